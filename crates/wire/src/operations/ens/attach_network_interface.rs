//! `AttachNetworkInterface`.

use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ens,
    name: "AttachNetworkInterface",
    family: "network interface",
    summary: "Attaches a network interface to a stopped instance.",
    description: "The interface must be Available, and at the edge site and in the network of the instance; the instance must be Stopped and may have ten interfaces (unless configured otherwise), its primary one included. The answer comes before the work is done: DescribeNetworkInterfaces shows the interface Attaching, then InUse. Its security groups stay as they are. An interface that comes to an instance which a lab node runs is bound to that node by itself, and must be bound to no other.",
    methods: Methods::GetOrPost,
    parameters: &[
        Parameter::required("InstanceId", Kind::Id, "The instance.", "i-5vn4n3y4laeb2ii9zxxltlvzi"),
        Parameter::required(
            "NetworkInterfaceId",
            Kind::Id,
            "The network interface.",
            "eni-5f6533jbifugr5fo2j1wabcde",
        ),
    ],
    exactly_one: &[],
    answer: &[],
    errors: &[
        &code::ENS_INTERFACE_ERROR,
        &code::INTERFACE_NOT_FOUND,
        &code::INVALID_ENI_STATUS,
        &code::INVALID_ENI_TYPE,
        &code::ATTACH_INSTANCE_NOT_FOUND,
        &code::INVALID_ENS_STATUS,
        &code::QUOTA_EXCEEDED,
        &code::INTERFACE_BOUND,
    ],
    ram: Ram::all("ens:AttachNetworkInterface", Access::Update),
    handler: Handler::Change { command, answer: done },
};

fn command(call: &Call<'_>) -> Result<Command, Fault> {
    Ok(Command::Interface(InterfaceCommand::Attach {
        interface: call.arguments.required_id("NetworkInterfaceId"),
        instance: call.arguments.required_id("InstanceId"),
    }))
}
