//! `DescribeEnsRegions`.

use super::instance::{OFFERED, with_code};
use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ens,
    name: "DescribeEnsRegions",
    family: "region, image, disk",
    summary: "Lists the edge sites that the server offers.",
    description: "An id that is not offered gives an empty list.",
    methods: Methods::GetOrPost,
    parameters: &[Parameter::optional("EnsRegionId", OFFERED, "This edge site alone.", "edge-1")],
    exactly_one: &[],
    answer: &[
        Field::integer("Code", "0"),
        Field::text("EnsRegions.EnsRegions[].Area", "NorthEastChina"),
        Field::text("EnsRegions.EnsRegions[].EnName", "Dalian Unicom"),
        Field::text("EnsRegions.EnsRegions[].EnsRegionId", "cn-dalian-unicom"),
        Field::text("EnsRegions.EnsRegions[].Name", "Dalian Unicom"),
        Field::text("EnsRegions.EnsRegions[].Province", "Liaoning Province"),
    ],
    errors: &[],
    ram: Ram::all("ens:DescribeEnsRegions", Access::List),
    handler: Handler::Query(query),
};

fn query(call: &Call<'_>, _: &State) -> Result<Answer, Fault> {
    let wanted = call.arguments.text("EnsRegionId");
    let offered = call.site.regions.iter().filter(|region| wanted.is_none_or(|id| region.id == id));
    let shown: Vec<Value> = offered
        .map(|region| {
            json!({
                "EnsRegionId": region.id,
                "Name": region.name,
                "EnName": region.english_name,
                "Area": region.area,
                "Province": region.province,
            })
        })
        .collect();
    let mut answer = with_code(0);
    answer.insert("EnsRegions".into(), json!({ "EnsRegions": shown }));
    Ok(answer)
}
