//! `BindNetworkInterface`.

use control::fleet::BindingState;
use model::node::Device;

use super::{
    binding_state,
    parameters::{INTERFACE_ID, NODE_ID},
};
use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ravelin,
    name: "BindNetworkInterface",
    family: "node",
    summary: "Binds a network interface to a device of a node, which is to enforce its rules.",
    description: "The node must be at the edge site of the interface, and not Gone. The device is the host's end of what the instance is connected with: a tap, or one side of a veth pair. It need not exist yet; without `Device` it is the one whose alias is `ravelin:` and the id of the interface. `Status` says how the binding stands when the call is answered, as DescribeNetworkInterfaceBindings does later: a call that waited for the node (`x-ravelin-wait`) is answered `Enforced`, or `Absent` where the node has confirmed it and has no such device. That is no error, and it is what a mistake in the name looks like. A call that does not wait is answered `Pending`, most often.\n\nTCP flows begin with their first packet, so those that run already when the device is bound are cut. `AdoptSeconds` takes them over, where a rule permits them in either direction.\n\nThe binding ends when the interface is detached or deleted, when its instance is released, and by UnbindNetworkInterface. Interfaces of an instance that a lab node runs are bound by the node itself.",
    methods: Methods::GetOrPost,
    parameters: &[
        INTERFACE_ID,
        NODE_ID,
        Parameter::optional(
            "Device",
            Kind::form(1, 15, Form::DEVICE_NAME),
            "The name of the device.",
            "vnet0",
        ),
        Parameter::optional(
            "AdoptSeconds",
            Kind::Integer { min: 0, max: 3_600 },
            "For how many seconds running flows are taken over; none, where it is not given.",
            "30",
        ),
    ],
    exactly_one: &[],
    answer: &[
        Field::text("Status", "Enforced"),
        Field::text("StatusMessage", "its node has no such device: nothing is enforced before there is one"),
    ],
    errors: &[
        &code::INTERFACE_NOT_FOUND,
        &code::NODE_NOT_FOUND,
        &code::INVALID_ENI_STATUS,
        &code::INCORRECT_INSTANCE_STATUS,
        &code::INVALID_NODE_STATUS,
        &code::INTERFACE_BOUND,
        &code::INTERFACE_HOSTED,
        &code::DEVICE_BOUND,
        &code::QUOTA_EXCEEDED,
    ],
    ram: Ram::named("ravelin:BindNetworkInterface", Access::Update, "node", "NodeId"),
    handler: Handler::Bind { command, answer: stands },
};

fn command(call: &Call<'_>) -> Result<Command, Fault> {
    let arguments = call.arguments;
    let device = match arguments.text("Device") {
        Some(name) => Device::Named(name.parse().map_err(|_| Fault::malformed("Device"))?),
        None => Device::Aliased,
    };
    Ok(Command::Node(NodeCommand::Bind {
        interface: arguments.required_id("NetworkInterfaceId"),
        node: arguments.required_id("NodeId"),
        device,
        adopt_seconds: u32::try_from(arguments.count("AdoptSeconds", 0)).unwrap_or(0),
    }))
}

fn stands(state: &BindingState) -> Answer {
    let mut answer = Answer::new();
    binding_state::put(&mut answer, state);
    answer
}
