//! `DescribeAccountEnforcement`.

use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ravelin,
    name: "DescribeAccountEnforcement",
    family: "enforcement",
    summary: "Shows how long the account's changes wait for nodes.",
    description: "`WaitSeconds` is what counts for requests that do not say it themselves by the header `x-ravelin-wait`. `AccountWaitSeconds` is the account's own setting, where it has one; `ServerWaitSeconds` is the server's.",
    methods: Methods::GetOrPost,
    parameters: &[],
    exactly_one: &[],
    answer: &[
        Field::integer("WaitSeconds", "5"),
        Field::integer("AccountWaitSeconds", "5"),
        Field::integer("ServerWaitSeconds", "0"),
    ],
    errors: &[],
    ram: Ram::all("ravelin:DescribeAccountEnforcement", Access::Get),
    handler: Handler::Query(query),
};

fn query(call: &Call<'_>, state: &State) -> Result<Answer, Fault> {
    let own = state.enforcement_wait(call.account).map(|own| own.seconds);
    let mut answer = Answer::new();
    answer.insert("WaitSeconds".into(), json!(own.unwrap_or(call.wait_seconds)));
    if let Some(own) = own {
        answer.insert("AccountWaitSeconds".into(), json!(own));
    }
    answer.insert("ServerWaitSeconds".into(), json!(call.wait_seconds));
    Ok(answer)
}
