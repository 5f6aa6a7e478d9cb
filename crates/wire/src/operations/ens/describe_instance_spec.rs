//! `DescribeInstanceSpec`.

use super::instance::with_code;
use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ens,
    name: "DescribeInstanceSpec",
    family: "instance",
    summary: "Shows the instance types that the server offers, and the limits of disks and bandwidth.",
    description: "Sizes of disks are in GiB, bandwidth is in Mbit/s, memory in MiB.",
    methods: Methods::GetOrPost,
    parameters: &[],
    exactly_one: &[],
    answer: &[
        Field::integer("BandwidthLimit", "1000"),
        Field::integer("Code", "0"),
        Field::integer("DataDiskMaxSize", "32768"),
        Field::integer("DataDiskMinSize", "20"),
        Field::text("InstanceSpecs.InstanceSpec[].Core", "1"),
        Field::text("InstanceSpecs.InstanceSpec[].DisplayName", "1 vCPU, 2 GiB"),
        Field::text("InstanceSpecs.InstanceSpec[].InstanceType", "ens.sn1.stiny"),
        Field::text("InstanceSpecs.InstanceSpec[].Memory", "2048"),
        Field::integer("SystemDiskMaxSize", "500"),
    ],
    errors: &[],
    ram: Ram::all("ens:DescribeInstanceSpec", Access::Get),
    handler: Handler::Query(query),
};

fn query(call: &Call<'_>, _: &State) -> Result<Answer, Fault> {
    let site = call.site;
    let mut answer = with_code(0);
    answer.insert("BandwidthLimit".into(), json!(site.bandwidth_mbps_max));
    answer.insert("DataDiskMaxSize".into(), json!(site.data_disk_gib_max));
    answer.insert("DataDiskMinSize".into(), json!(site.data_disk_gib_min));
    answer.insert("SystemDiskMaxSize".into(), json!(site.system_disk_gib_max));
    let shown = site.instance_types.iter().map(|offered| {
        json!({
            "InstanceType": offered.id,
            "DisplayName": offered.name,
            "Core": offered.cpu_cores.to_string(),
            "Memory": offered.memory_mib.to_string(),
        })
    });
    answer.insert("InstanceSpecs".into(), json!({ "InstanceSpec": shown.collect::<Vec<_>>() }));
    Ok(answer)
}
