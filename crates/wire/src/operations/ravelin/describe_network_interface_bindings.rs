//! `DescribeNetworkInterfaceBindings`.

use std::sync::Arc;

use model::{
    NetworkInterfaceId,
    interface::NetworkInterface,
    node::{Binding, Device},
};

use super::{
    super::{
        filter::newest_first,
        page::{PAGE_NUMBER, PAGE_SIZE, Page},
    },
    parameters::{INTERFACE_EXAMPLE, INTERFACE_ID_FILTER, NODE_EXAMPLE, NODE_ID_FILTER},
};
use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ravelin,
    name: "DescribeNetworkInterfaceBindings",
    family: "node",
    summary: "Lists which network interfaces are bound to which devices, and what they may be there.",
    description: "The newest interface first. An interface is listed that is bound, or that ModifyNetworkInterfaceEnforcement lets be more than its addresses; `NodeId` and what belongs to it are there where it is bound. `Device` is the name that it is bound by, `DeviceAlias` the alias where it is bound by that.",
    methods: Methods::GetOrPost,
    parameters: &[INTERFACE_ID_FILTER, NODE_ID_FILTER, PAGE_NUMBER, PAGE_SIZE],
    exactly_one: &[],
    answer: &[
        Field::integer("PageNumber", "1"),
        Field::integer("PageSize", "10"),
        Field::integer("TotalCount", "1"),
        Field::text(
            "NetworkInterfaceBindings.NetworkInterfaceBinding[].NetworkInterfaceId",
            INTERFACE_EXAMPLE,
        ),
        Field::text("NetworkInterfaceBindings.NetworkInterfaceBinding[].NodeId", NODE_EXAMPLE),
        Field::text("NetworkInterfaceBindings.NetworkInterfaceBinding[].Device", "vnet0"),
        Field::text(
            "NetworkInterfaceBindings.NetworkInterfaceBinding[].DeviceAlias",
            "ravelin:eni-5f6533jbifugr5fo2j1wabcde",
        ),
        Field::integer("NetworkInterfaceBindings.NetworkInterfaceBinding[].AdoptSeconds", "30"),
        Field::text("NetworkInterfaceBindings.NetworkInterfaceBinding[].BindingTime", "2026-11-22T03:12:05Z"),
        Field::boolean("NetworkInterfaceBindings.NetworkInterfaceBinding[].SourceCheck", "true"),
        Field::text(
            "NetworkInterfaceBindings.NetworkInterfaceBinding[].AllowedPrefixes.AllowedPrefix[]",
            "10.0.8.100/32",
        ),
    ],
    errors: &[],
    ram: Ram::named("ravelin:DescribeNetworkInterfaceBindings", Access::List, "node", "NodeId"),
    handler: Handler::Query(query),
};

fn query(call: &Call<'_>, state: &State) -> Result<Answer, Fault> {
    let interface = call.arguments.id::<model::id::NetworkInterfaceKind>("NetworkInterfaceId");
    let node = call.arguments.id::<model::id::NodeKind>("NodeId");
    let listed: Vec<NetworkInterfaceId> = match (interface, node) {
        (Some(interface), _) => vec![interface],
        (None, Some(node)) => state.bound_to(node).map(|binding| binding.interface).collect(),
        (None, None) => {
            let bound = state.bindings().newest_first(call.account).map(|binding| binding.interface);
            let more = state.enforcements().newest_first(call.account).map(|own| own.interface);
            bound.chain(more).collect()
        }
    };
    let own = listed.iter().filter_map(|id| state.interfaces().of(call.account, id));
    let binding = |interface: &Arc<NetworkInterface>| state.bindings().get(&interface.id);
    let says_something = |interface: &&Arc<NetworkInterface>| match node {
        Some(node) => binding(interface).is_some_and(|binding| binding.node == node),
        None => binding(interface).is_some() || state.enforcements().get(&interface.id).is_some(),
    };
    let found = newest_first(own.filter(says_something));
    let (mut answer, entries) = Page::of(call.arguments, 10).cut(found.into_iter());
    let shown: Vec<Value> =
        entries.into_iter().map(|interface| shown(state, interface.id, binding(interface))).collect();
    answer.insert("NetworkInterfaceBindings".into(), json!({ "NetworkInterfaceBinding": shown }));
    Ok(answer)
}

fn shown(state: &State, interface: NetworkInterfaceId, binding: Option<&Arc<Binding>>) -> Value {
    let mut shown = Answer::new();
    let mut put = |name: &str, value: Value| shown.insert(name.into(), value);
    put("NetworkInterfaceId", json!(interface.to_string()));
    if let Some(binding) = binding {
        put("NodeId", json!(binding.node.to_string()));
        match &binding.device {
            Device::Named(name) => put("Device", json!(name.as_str())),
            Device::Aliased => put("DeviceAlias", json!(format!("ravelin:{interface}"))),
        };
        put("AdoptSeconds", json!(binding.adopt_seconds));
        put("BindingTime", json!(binding.created_at.to_text()));
    }
    let enforcement = state.enforcements().get(&interface);
    put("SourceCheck", json!(enforcement.is_none_or(|own| own.source_check)));
    let prefixes = enforcement.into_iter().flat_map(|own| own.allowed_prefixes.iter());
    let prefixes: Vec<String> = prefixes.map(ToString::to_string).collect();
    put("AllowedPrefixes", json!({ "AllowedPrefix": prefixes }));
    Value::Object(shown)
}
