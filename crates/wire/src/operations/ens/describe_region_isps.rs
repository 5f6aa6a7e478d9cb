//! `DescribeRegionIsps`.

use std::collections::BTreeSet;

use super::instance::OFFERED;
use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ens,
    name: "DescribeRegionIsps",
    family: "region, image, disk",
    summary: "Lists the internet providers of an edge site, or of all.",
    description: "An edge site that is not offered has none.",
    methods: Methods::Get,
    parameters: &[Parameter::optional(
        "EnsRegionId",
        OFFERED,
        "This edge site alone.",
        "cn-hangzhou-telecom",
    )],
    exactly_one: &[],
    answer: &[Field::text("Isps[].Code", "cmcc"), Field::text("Isps[].Name", "China Mobile")],
    errors: &[],
    ram: Ram::all("ens:DescribeRegionIsps", Access::List),
    handler: Handler::Query(query),
};

fn query(call: &Call<'_>, _: &State) -> Result<Answer, Fault> {
    let wanted = call.arguments.text("EnsRegionId");
    let offered = call.site.regions.iter().filter(|region| wanted.is_none_or(|id| region.id == id));
    let codes: BTreeSet<&str> = offered.flat_map(|region| region.isps.iter().map(String::as_str)).collect();
    let shown: Vec<Value> =
        codes.into_iter().map(|code| json!({ "Code": code, "Name": name(code) })).collect();
    let mut answer = Answer::new();
    answer.insert("Isps".into(), shown.into());
    Ok(answer)
}

/// What people call a provider. Those that an operator of a site made up have their code for a name.
fn name(code: &str) -> &str {
    match code {
        "telecom" => "China Telecom",
        "unicom" => "China Unicom",
        "cmcc" => "China Mobile",
        other => other,
    }
}
