//! `DescribeNetworkInterfaceBindings`.

use std::sync::Arc;

use control::fleet::BindingState;
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
    binding_state,
    parameters::{INTERFACE_EXAMPLE, INTERFACE_ID_FILTER, NODE_EXAMPLE, NODE_ID_FILTER},
};
use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ravelin,
    name: "DescribeNetworkInterfaceBindings",
    family: "node",
    summary: "Lists which network interfaces are bound to which devices, and what they may be there.",
    description: "The newest interface first. An interface is listed that is bound, or that ModifyNetworkInterfaceEnforcement lets be more than its addresses; `NodeId` and what belongs to it are there where it is bound. `Device` is the name that it is bound by, `DeviceAlias` the alias where it is bound by that.\n\n`Status` says how the binding stands: `Enforced` where its node has confirmed everything that concerns it and has the device; `Absent` where the node has confirmed it and has no such device, so that nothing is enforced before there is one; `NotInForce` where the node says what is the matter with this network interface; `Pending` where the node has not confirmed everything that concerns it; `NodeGone` where its certificates were revoked. `StatusMessage` has the reason of each but `Enforced`.",
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
        Field::text("NetworkInterfaceBindings.NetworkInterfaceBinding[].Status", "Absent"),
        Field::text(
            "NetworkInterfaceBindings.NetworkInterfaceBinding[].StatusMessage",
            "its node has no such device: nothing is enforced before there is one",
        ),
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
        entries.into_iter().map(|interface| shown(call, state, interface.id, binding(interface))).collect();
    answer.insert("NetworkInterfaceBindings".into(), json!({ "NetworkInterfaceBinding": shown }));
    Ok(answer)
}

fn shown(
    call: &Call<'_>,
    state: &State,
    interface: NetworkInterfaceId,
    binding: Option<&Arc<Binding>>,
) -> Value {
    let mut shown = Answer::new();
    if let Some(binding) = binding {
        binding_state::put(&mut shown, &stands(call, state, binding));
    }
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

/// How a binding stands at its node.
fn stands(call: &Call<'_>, state: &State, binding: &Binding) -> BindingState {
    let status = state.nodes().get(&binding.node).map(|node| node.status);
    call.fleet.standing(binding.node).binding(status, binding.interface, None)
}
