//! `DescribeInstances`.

mod filter;
mod search;
mod shown;
#[cfg(test)]
mod tests;

use std::{cmp::Reverse, sync::Arc};

use model::instance::Instance;

use self::{filter::Filter, shown::shown};
use super::{
    instance::{OFFERED, with_code},
    page::{PAGE_NUMBER, PAGE_SIZE, Page},
};
use crate::catalogue::prelude::*;

/// Which way to sort.
const DIRECTION: Kind = Kind::OneOf(&["asc", "desc"]);

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ens,
    name: "DescribeInstances",
    family: "instance",
    summary: "Lists instances, the newest first; by as many filters as wanted.",
    description: "An instance must match all the filters that are given. What does not exist is not an error: it matches nothing, and the answer is an empty list. Also an empty JSON list matches nothing.\n\n`SecurityGroupIds`, and the filter `SecurityGroupId`, are about the primary network interface. The newest membership comes first; where one group is asked for, that group does.\n\nSizes of disks are in MiB, but `DiskSize` in GiB; `Memory` is in MiB, bandwidth in Mbit/s. `ExpiredTime` of an instance that is paid by use is a hundred years (36,500 days) after its creation.",
    methods: Methods::GetOrPost,
    parameters: &[
        Parameter::optional("InstanceId", Kind::Id, "This instance alone.", "i-5vn4n3y4laeb2ii9zxxltlvzi"),
        Parameter::optional(
            "InstanceIds",
            Kind::List { of: &Kind::Id, max: 100, encoding: Encoding::Json },
            "These instances.",
            r#"["i-5vn4n3y4laeb2ii9zxxltlvzi"]"#,
        ),
        Parameter::optional(
            "SecurityGroupId",
            Kind::Id,
            "Members of this security group.",
            "sg-5kyicq2kfcapxrdds6tar7jqb",
        ),
        Parameter::optional("InstanceName", Kind::text(128), "Instances of exactly this name.", "web"),
        Parameter::optional("IntranetIp", Kind::Ipv4, "Instances with this private address.", "10.0.0.120"),
        Parameter::optional(
            "EipAddresses",
            Kind::List { of: &Kind::Ipv4, max: 100, encoding: Encoding::Json },
            "Instances with one of these public addresses.",
            r#"["198.18.0.7"]"#,
        ),
        Parameter::optional(
            "VSwitchId",
            Kind::Id,
            "Instances whose primary network interface is in this vSwitch.",
            "vsw-5sagnw7m613oulalkd10nv0ob",
        ),
        Parameter::optional(
            "NetworkId",
            Kind::Id,
            "Instances whose primary network interface is in this network.",
            "n-5tkmrb4kdjzc5p5qsl0y2hbq7",
        ),
        Parameter::optional("EnsRegionId", OFFERED, "Instances at this edge site.", "edge-1"),
        Parameter::optional(
            "EnsRegionIds",
            Kind::List { of: &OFFERED, max: 100, encoding: Encoding::Json },
            "Instances at one of these edge sites.",
            r#"["edge-1","cn-hangzhou-telecom"]"#,
        ),
        Parameter::optional("ImageId", OFFERED, "Instances with this image.", "m-debian-12"),
        Parameter::optional("InstanceType", OFFERED, "Instances of this type.", "ens.sn1.small"),
        Parameter::optional(
            "Status",
            Kind::OneOf(&[
                "Creating",
                "ImageDownloading",
                "Starting",
                "Running",
                "Stopping",
                "Stopped",
                "Resetting",
                "Transferring",
                "Expired",
                "Releasing",
            ]),
            "Instances in this state. (The vendor documents `Running`, `Stopped` and `Expired` only.)",
            "Running",
        ),
        Parameter::optional(
            "ServiceStatus",
            Kind::List {
                of: &Kind::OneOf(&["Normal", "Expired", "Arrears"]),
                max: 3,
                encoding: Encoding::Json,
            },
            "Instances whose service is in one of these states. Nobody is in arrears here.",
            r#"["Expired"]"#,
        ),
        Parameter::optional(
            "InstanceResourceType",
            Kind::OneOf(&[
                "EnsInstance",
                "EnsPostPaidInstance",
                "EnsPostInstance",
                "EnsService",
                "BuildMachine",
            ]),
            "`EnsInstance`: subscriptions; `EnsPostPaidInstance`, or `EnsPostInstance`: instances that are paid by use. There are no others here.",
            "EnsPostPaidInstance",
        ),
        Parameter::optional(
            "Tags",
            Kind::Objects {
                fields: &[
                    Parameter::optional("Key", Kind::text(128), "The key.", "team"),
                    Parameter::optional(
                        "Value",
                        Kind::form(0, 128, Form::ANY),
                        "The value; any where it is not given.",
                        "network",
                    ),
                ],
                max: 20,
                encoding: Encoding::Json,
            },
            "Instances with all of these tags.",
            r#"[{"Key":"team","Value":"network"}]"#,
        ),
        Parameter::optional(
            "SearchKey",
            Kind::text(128),
            "Instances in whose name, id, private or public addresses this text occurs.",
            "web",
        ),
        Parameter::optional(
            "OrderByParams",
            Kind::Object {
                fields: &[
                    Parameter::optional("EnsRegionId", DIRECTION, "By edge site.", "asc"),
                    Parameter::optional("InstanceNameSort", DIRECTION, "By name.", "asc"),
                    Parameter::optional(
                        "ExpireTimeSort",
                        DIRECTION,
                        "By the time at which they expire.",
                        "asc",
                    ),
                    Parameter::optional("CreationTimeSort", DIRECTION, "By creation.", "desc"),
                ],
                encoding: Encoding::Json,
            },
            "How to sort. Where several are given, edge site comes first, then name, expiry, creation.",
            r#"{"InstanceNameSort":"asc"}"#,
        ),
        PAGE_NUMBER,
        PAGE_SIZE,
        Parameter::optional(
            "EnsServiceId",
            Kind::text(128),
            "Instances of this edge service. There are none here: it matches nothing.",
            "ens-20190730202316s",
        ),
        Parameter::optional(
            "VpdId",
            Kind::text(128),
            "Instances in this VPD network. There are none here: it matches nothing.",
            "vpd-1",
        ),
        Parameter::optional(
            "VpdVSwitchId",
            Kind::text(128),
            "Instances in this VPD vSwitch. There are none here: it matches nothing.",
            "vpdvsw-1",
        ),
    ],
    exactly_one: &[],
    answer: shown::FIELDS,
    errors: &[&code::INSTANCE_ID_NOT_FOUND],
    ram: Ram::named("ens:DescribeInstances", Access::List, "instance", "InstanceId"),
    handler: Handler::Query(query),
};

fn query(call: &Call<'_>, state: &State) -> Result<Answer, Fault> {
    let arguments = call.arguments;
    let filter = Filter::of(arguments, call.account);
    let page = Page::of(arguments, 10);
    let order = arguments.object("OrderByParams");
    let (head, instances) = match (filter.candidates(state), order) {
        (None, None) if filter.lets_all_pass() => {
            let all = state.instances();
            page.cut_counted(all.newest_first(call.account), all.count(call.account))
        }
        (None, None) => {
            let all = state.instances().newest_first(call.account);
            page.cut(all.filter(|instance| filter.matches(state, instance)))
        }
        (candidates, order) => {
            let all = || state.instances().newest_first(call.account).collect();
            let mut found = candidates.unwrap_or_else(all);
            found.retain(|instance| filter.matches(state, instance));
            sort(&mut found, order);
            page.cut(found.into_iter())
        }
    };
    let mut answer = with_code(0);
    answer.extend(head);
    let shown: Vec<Value> =
        instances.into_iter().map(|instance| shown(instance, filter.group(), state, call.site)).collect();
    answer.insert("Instances".into(), json!({ "Instance": shown }));
    Ok(answer)
}

/// Sorts what was found: the newest first, and over that by what is asked for. Each sort leaves alone what is equal
/// to it, so that the last one counts most.
fn sort(found: &mut [&Arc<Instance>], order: Option<&Arguments>) {
    found.sort_by_key(|instance| Reverse(instance.serial));
    let direction = |name| order.and_then(|order| order.text(name));
    by(found, direction("CreationTimeSort"), |instance| instance.serial);
    by(found, direction("ExpireTimeSort"), shown::expires_at);
    by(found, direction("InstanceNameSort"), Instance::display_name);
    by(found, direction("EnsRegionId"), |instance| instance.region.clone());
}

fn by<K: Ord>(found: &mut [&Arc<Instance>], direction: Option<&str>, key: impl Fn(&Instance) -> K) {
    match direction {
        Some("asc") => found.sort_by_cached_key(|instance| key(instance)),
        Some(_) => found.sort_by_cached_key(|instance| Reverse(key(instance))),
        None => {}
    }
}
