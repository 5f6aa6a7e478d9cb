use super::super::query::QueryLimits;
use super::*;

fn parameters(pairs: &[(&str, &str)]) -> Parameters {
    let enc = super::super::percent::encode;
    let query: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{}={}", enc(name), enc(value))).collect();
    let limits = QueryLimits { parameters_max: 5_000, ..QueryLimits::default() };
    Parameters::new(Pairs::decode(query.join("&").as_bytes(), b"", &limits).unwrap())
}

fn cause_of<T: std::fmt::Debug>(result: Result<T, ParameterError>) -> (String, ParameterCause) {
    let error = result.unwrap_err();
    (error.field, error.cause)
}

fn refused(field: &str, cause: ParameterCause) -> (String, ParameterCause) {
    (field.to_owned(), cause)
}

#[test]
fn scalars_are_exact_and_empty_is_not_supplied() {
    let parameters =
        parameters(&[("Name", "n"), ("Empty", ""), ("Count", "-7"), ("On", "True"), ("Off", "false")]);
    assert_eq!(parameters.text("Name"), Ok(Some("n")));
    assert_eq!(parameters.text("name"), Ok(None));
    assert_eq!(parameters.text("Empty"), Ok(None));
    assert_eq!(parameters.integer("Empty"), Ok(None));
    assert_eq!(parameters.list("Empty"), Ok(None));
    assert!(!parameters.supplied("Empty") && parameters.supplied("Name"));
    assert_eq!(parameters.integer("Count"), Ok(Some(-7)));
    assert_eq!(parameters.boolean("On"), Ok(Some(true)));
    assert_eq!(parameters.boolean("Off"), Ok(Some(false)));
}

#[test]
fn scalars_of_another_kind_are_refused_by_name() {
    for text in ["x", "1.0", "+1", " 1", "1e3", "9223372036854775808", "0x10", "\u{661}"] {
        let result = parameters(&[("Size", text)]).integer("Size");
        assert_eq!(cause_of(result), refused("Size", ParameterCause::NotInteger), "{text}");
    }
    let result = parameters(&[("Encrypted", "1")]).boolean("Encrypted");
    assert_eq!(cause_of(result), refused("Encrypted", ParameterCause::NotBoolean));
    for text in ["a\0b", "\u{1b}[0m", "\u{fffe}"] {
        let parameters = parameters(&[("Name", text)]);
        let expected = refused("Name", ParameterCause::ControlCharacter);
        assert_eq!(cause_of(parameters.text("Name").map(|_| ())), expected, "{text:?}");
    }
}

#[test]
fn a_list_is_the_same_in_every_dialect() {
    let expected = Ok(Some(vec!["sg-1".to_owned(), "sg-2".to_owned()]));
    for pairs in [
        &[("Ids", r#"["sg-1","sg-2"]"#)][..],
        &[("Ids", " [ \"sg-1\", \"sg-2\" ] ")],
        &[("Ids.1", "sg-1"), ("Ids.2", "sg-2")],
        &[("Ids.10", "sg-2"), ("Ids.9", "sg-1"), ("Ids", "")],
    ] {
        assert_eq!(parameters(pairs).list("Ids"), expected, "{pairs:?}");
        assert_eq!(parameters(pairs).list_or_commas("Ids"), expected, "{pairs:?}");
        assert!(parameters(pairs).supplied("Ids"));
    }
    assert_eq!(parameters(&[("Ids", "sg-1, sg-2")]).list_or_commas("Ids"), expected);
    assert_eq!(parameters(&[("Ids", "[]")]).list("Ids"), Ok(Some(vec![])));
    assert_eq!(parameters(&[]).list("Ids"), Ok(None));
    let scalars = parameters(&[("Ids", r#"[1,"",true,-2.5]"#)]).list("Ids");
    assert_eq!(scalars, Ok(Some(["1", "", "true", "-2.5"].map(str::to_owned).to_vec())));
}

#[test]
fn what_is_no_list_is_refused() {
    use ParameterCause as Cause;
    for (pairs, field, cause) in [
        (&[("Ids", "sg-1")][..], "Ids", Cause::NotList),
        (&[("Ids", r#"{"a":1}"#)], "Ids", Cause::NotList),
        (&[("Ids", "[\"a\"")], "Ids", Cause::BadJson),
        (&[("Ids", "[\"a\"] x")], "Ids", Cause::BadJson),
        (&[("Ids", "[[1]]")], "Ids.1", Cause::NotScalar),
        (&[("Ids", "[1,null]")], "Ids.2", Cause::NotScalar),
        (&[("Ids", r#"["\u0000"]"#)], "Ids.1", Cause::ControlCharacter),
        (&[("Ids.Key", "x")], "Ids", Cause::NotList),
        (&[("Ids.0", "x")], "Ids.0", Cause::BadNumber),
        (&[("Ids.1001", "x")], "Ids.1001", Cause::BadNumber),
        (&[("Ids.01", "x")], "Ids.01", Cause::BadNumber),
        (&[("Ids.99999999999999999999999", "x")], "Ids.99999999999999999999999", Cause::BadNumber),
        (&[("Ids.", "x")], "Ids.", Cause::BadNumber),
        (&[("Ids.1", "x"), ("Ids.Key", "y")], "Ids", Cause::Conflict),
        (&[("Ids.1", "x"), ("Ids.1.Key", "y")], "Ids.1", Cause::Conflict),
        (&[("Ids", "[1]"), ("Ids.1", "y")], "Ids", Cause::Conflict),
    ] {
        assert_eq!(cause_of(parameters(pairs).list("Ids")), refused(field, cause), "{pairs:?}");
    }
}

#[test]
fn an_object_is_the_same_in_every_dialect() {
    for pairs in [
        &[("SystemDisk", r#"{"Category":"cloud_ssd","Size":20,"Encrypted":true}"#)][..],
        &[("SystemDisk", r#"{"Category":"cloud_ssd","Size":"20","Encrypted":"true"}"#)],
        &[("SystemDisk.Category", "cloud_ssd"), ("SystemDisk.Size", "20"), ("SystemDisk.Encrypted", "true")],
    ] {
        let object = parameters(pairs).object("SystemDisk").unwrap().unwrap();
        assert_eq!(object.text("Category"), Ok(Some("cloud_ssd".into())));
        assert_eq!(object.integer("Size"), Ok(Some(20)));
        assert_eq!(object.text("Size"), Ok(Some("20".into())));
        assert_eq!(object.boolean("Encrypted"), Ok(Some(true)));
        assert_eq!(object.text("KMSKeyId"), Ok(None));
    }
    let result = parameters(&[("SystemDisk", "[1]")]).object("SystemDisk");
    assert_eq!(cause_of(result), refused("SystemDisk", ParameterCause::NotObject));
}

#[test]
fn a_list_of_objects_is_the_same_in_every_dialect() {
    for pairs in [
        &[("Tag", r#"[{"Key":"a","Value":"1"},{"Key":"b","Value":""}]"#)][..],
        &[("Tag.1.Key", "a"), ("Tag.1.Value", "1"), ("Tag.2.Key", "b"), ("Tag.2.Value", "")],
        &[("Tag.1", r#"{"Key":"a","Value":1}"#), ("Tag.2", r#"{"Key":"b","Value":""}"#)],
    ] {
        let tags = parameters(pairs).objects("Tag").unwrap().unwrap();
        let read: Vec<_> =
            tags.iter().map(|tag| (tag.text("Key").unwrap(), tag.text("Value").unwrap())).collect();
        assert_eq!(read, [(Some("a".into()), Some("1".into())), (Some("b".into()), Some("".into()))]);
    }
}

#[test]
fn fields_inside_objects_are_refused_by_their_full_name() {
    let text = r#"[{"Priority":1},{"Priority":"","PortRange":"","SourceCidrIp":null,"List":["a"]}]"#;
    let permissions = parameters(&[("Permissions", text)]).objects("Permissions").unwrap().unwrap();
    let second = &permissions[1];
    assert_eq!(second.path(), "Permissions.2");
    assert_eq!(second.names().collect::<Vec<_>>(), ["Priority", "PortRange", "SourceCidrIp", "List"]);
    assert_eq!(second.text("PortRange"), Ok(Some("".into())), "an empty string inside is visible");
    assert_eq!(second.text("SourceCidrIp"), Ok(None), "null is not supplied");
    let not_integer = refused("Permissions.2.Priority", ParameterCause::NotInteger);
    assert_eq!(cause_of(second.integer("Priority")), not_integer);
    assert_eq!(cause_of(second.text("List")), refused("Permissions.2.List", ParameterCause::NotScalar));
    let fractional =
        parameters(&[("P", r#"{"N":1.5,"M":9223372036854775808}"#)]).object("P").unwrap().unwrap();
    assert_eq!(cause_of(fractional.integer("N")), refused("P.N", ParameterCause::NotInteger));
    assert_eq!(cause_of(fractional.integer("M")), refused("P.M", ParameterCause::NotInteger));
    let result = parameters(&[("Permissions", r#"[{},"x"]"#)]).objects("Permissions");
    assert_eq!(cause_of(result), refused("Permissions.2", ParameterCause::NotObject));
}

#[test]
fn lists_and_objects_nest_in_both_dialects() {
    for pairs in [
        &[("Nic", r#"[{"Groups":["a","b"],"Disk":{"Size":1},"Tags":[{"Key":"k"}]}]"#)][..],
        &[
            ("Nic.1.Groups.1", "a"),
            ("Nic.1.Groups.2", "b"),
            ("Nic.1.Disk.Size", "1"),
            ("Nic.1.Tags", r#"[{"Key":"k"}]"#),
        ],
    ] {
        let interfaces = parameters(pairs).objects("Nic").unwrap().unwrap();
        let interface = &interfaces[0];
        assert_eq!(interface.list("Groups"), Ok(Some(vec!["a".to_owned(), "b".to_owned()])));
        let disk = interface.object("Disk").unwrap().unwrap();
        assert_eq!(disk.integer("Size"), Ok(Some(1)));
        let tags = interface.objects("Tags").unwrap().unwrap();
        assert_eq!(tags[0].text("Key"), Ok(Some("k".into())));
        assert_eq!(tags[0].field("Key"), "Nic.1.Tags.1.Key");
    }
}

#[test]
fn json_is_bounded_in_depth_items_values_and_repetition() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    for (text, cause) in [
        (nested(DEPTH_MAX + 1), ParameterCause::TooDeep),
        (nested(100_000), ParameterCause::TooDeep),
        ("[".repeat(100_000), ParameterCause::TooDeep),
        (format!("[{}0]", "0,".repeat(ITEMS_MAX)), ParameterCause::TooMany),
        (format!("[[{0}],[{0}]]", vec![nested(14); 999].join(",")), ParameterCause::TooMany),
        (r#"[{"a":1,"a":2}]"#.to_owned(), ParameterCause::RepeatedField),
    ] {
        let result = parameters(&[("P", &text)]).list("P");
        assert_eq!(cause_of(result), refused("P", cause));
    }
    let deepest = nested(DEPTH_MAX);
    assert_eq!(cause_of(parameters(&[("P", &deepest)]).list("P")), refused("P.1", ParameterCause::NotScalar));
    let full = format!("[{}0]", "0,".repeat(ITEMS_MAX - 1));
    assert_eq!(parameters(&[("P", &full)]).list("P").unwrap().map(|list| list.len()), Some(ITEMS_MAX));
}

#[test]
fn dotted_names_and_comma_lists_are_bounded_too() {
    let deep = format!("P{}", ".a".repeat(DEPTH_MAX + 1));
    let (field, cause) = cause_of(parameters(&[(&deep, "x")]).object("P"));
    assert_eq!((field.starts_with("P.a.a"), cause), (true, ParameterCause::TooDeep));
    let deepest = format!("P{}", ".a".repeat(DEPTH_MAX));
    assert!(parameters(&[(&deepest, "x")]).object("P").is_ok());
    let commas = ",".repeat(ITEMS_MAX);
    assert_eq!(
        cause_of(parameters(&[("P", &commas)]).list_or_commas("P")),
        refused("P", ParameterCause::TooMany)
    );
}

#[test]
fn values_stay_out_of_debug_output() {
    assert!(!format!("{:?}", parameters(&[("Password", "hunter2")])).contains("hunter2"));
}
