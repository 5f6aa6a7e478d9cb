//! `DescribeInstanceTypes`.

use super::instance::{OFFERED, with_code};
use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ens,
    name: "DescribeInstanceTypes",
    family: "instance",
    summary: "Lists the instance types that the server offers.",
    description: "",
    methods: Methods::GetOrPost,
    parameters: &[Parameter::optional("InstanceType", OFFERED, "This type alone.", "ens.sn1.small")],
    exactly_one: &[],
    answer: &[
        Field::integer("Code", "0"),
        Field::integer("InstanceTypes.InstanceType[].CpuCoreCount", "2"),
        Field::text("InstanceTypes.InstanceType[].InstanceType", "ens.sn1.small"),
        Field::text("InstanceTypes.InstanceType[].InstanceTypeId", "ens.sn1.small"),
        Field::text("InstanceTypes.InstanceType[].InstanceTypeName", "ens.sn1.small"),
        Field::integer("InstanceTypes.InstanceType[].MemorySize", "8192"),
    ],
    errors: &[],
    ram: Ram::all("ens:DescribeInstanceTypes", Access::List),
    handler: Handler::Query(query),
};

fn query(call: &Call<'_>, _: &State) -> Result<Answer, Fault> {
    let wanted = call.arguments.text("InstanceType");
    let offered = call.site.instance_types.iter().filter(|offered| wanted.is_none_or(|id| offered.id == id));
    let shown: Vec<Value> = offered
        .map(|offered| {
            json!({
                "InstanceType": offered.id,
                "InstanceTypeId": offered.id,
                "InstanceTypeName": offered.id,
                "CpuCoreCount": offered.cpu_cores,
                "MemorySize": offered.memory_mib,
            })
        })
        .collect();
    let mut answer = with_code(0);
    answer.insert("InstanceTypes".into(), json!({ "InstanceType": shown }));
    Ok(answer)
}
