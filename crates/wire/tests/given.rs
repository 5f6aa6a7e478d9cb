//! What counts as given: every required text of every operation, sent in a form that it cannot have.

use wire::{
    catalogue::{self, Kind},
    protocol::{
        parameters::Parameters,
        query::{Pairs, QueryLimits},
    },
    reference,
};

fn parameters(arguments: &[(String, String)]) -> Parameters {
    let encode = wire::protocol::percent::encode;
    let query: Vec<String> = arguments.iter().map(|(n, v)| format!("{}={}", encode(n), encode(v))).collect();
    let pairs = Pairs::decode(query.join("&").as_bytes(), b"", &QueryLimits::default());
    Parameters::new(pairs.expect("examples can be decoded"))
}

#[test]
fn a_required_text_that_is_sent_as_a_list_is_missing() {
    let mut walked = 0;
    for operation in catalogue::all() {
        let arguments: Vec<(String, String)> = reference::arguments(operation);
        assert!(catalogue::validate(operation, &parameters(&arguments)).is_ok(), "{}", operation.name);
        let one_of = |name: &str| operation.exactly_one.iter().any(|set| set.contains(&name));
        for parameter in operation.parameters.iter().filter(|p| p.required || one_of(p.name)) {
            let list =
                matches!(parameter.kind, Kind::List { .. } | Kind::Object { .. } | Kind::Objects { .. });
            if list || arguments.iter().all(|(name, _)| name != parameter.name) {
                continue;
            }
            let mut dotted = arguments.clone();
            dotted
                .iter_mut()
                .filter(|(name, _)| name == parameter.name)
                .for_each(|(name, _)| name.push_str(".1"));
            let fault = catalogue::validate(operation, &parameters(&dotted)).unwrap_err();
            assert_eq!(fault.code, "MissingParameter", "{} {}", operation.name, parameter.name);
            walked += 1;
        }
    }
    assert!(walked > 50, "only {walked} parameters were walked");
}
