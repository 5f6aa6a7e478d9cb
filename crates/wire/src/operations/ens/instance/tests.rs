use model::instance::InstanceStatus as S;

use super::*;
use crate::{
    catalogue::validate,
    operations::ens::testing::{World, read},
};

fn read_with(
    text: &str,
    reader: fn(&Arguments) -> Result<Option<Box<str>>, Fault>,
) -> Result<String, String> {
    // CreateInstance takes any text, so that the readers decide.
    let operation = crate::catalogue::find(Product::Ens, "CreateInstance").unwrap();
    let required = [("EnsRegionId", "e"), ("InstanceType", "t"), ("Period", "1"), ("Quantity", "1")];
    let parameters = read(&[&required[..], &[("UserData", text)]].concat());
    let arguments = validate(operation, &parameters).unwrap();
    reader(&arguments).map(|data| data.unwrap().into()).map_err(|fault| fault.code.into_owned())
}

#[test]
fn user_data_is_base64_of_at_most_16_kib() {
    let most = STANDARD.encode(vec![b'x'; USER_DATA_BYTES_MAX]);
    let wrapped =
        most.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap()).collect::<Vec<_>>();
    assert_eq!(read_with(&most, user_data), Ok(most.clone()));
    assert_eq!(read_with(&wrapped.join("\r\n"), user_data), Ok(most));
    let more = STANDARD.encode(vec![b'x'; USER_DATA_BYTES_MAX + 1]);
    assert_eq!(read_with(&more, user_data), Err("InvalidParameter".into()));
    for malformed in ["a", "#!/bin/sh", "YQ=", "Y%=="] {
        assert_eq!(read_with(malformed, user_data), Err("InvalidParameter.UserData".into()), "{malformed}");
    }
}

#[test]
fn a_script_is_encoded_where_it_may_stand_as_it_is() {
    assert_eq!(read_with("#!/bin/sh\necho", script), Ok(STANDARD.encode("#!/bin/sh\necho")));
    assert_eq!(read_with("YQ==", script), Ok("YQ==".into()));
    assert_eq!(read_with("echo", script).err(), None, "is Base64, too");
    assert_eq!(read_with("echo 1", script), Err("InvalidParameter.UserData".into()));
    let long = format!("#!{}", "x".repeat(USER_DATA_BYTES_MAX));
    assert_eq!(read_with(&long, script), Err("InvalidParameter".into()));
}

/// The states that an instance passes through from now on.
fn states(world: &mut World, id: InstanceId) -> Vec<S> {
    let mut states = vec![world.see(id).status];
    while world.see(id).passage.is_some() {
        world.step();
        match world.state.instances().get(&id) {
            Some(instance) => states.push(instance.status),
            None => break,
        }
    }
    // Other things happen at other times.
    states.dedup();
    states
}

#[test]
fn every_operation_takes_the_documented_way() {
    let mut world = World::new();
    let id = world.run(World::wish())[0];
    assert_eq!(states(&mut world, id), [S::ImageDownloading, S::Creating, S::Starting, S::Running]);
    let text = id.to_string();
    let instance = ("InstanceId", &*text);
    let code = json!({ "Code": 0 });
    for (operation, parameters, way, answer) in [
        ("StopInstance", &[instance, ("ForceStop", "true")][..], &[S::Stopping, S::Stopped][..], &code),
        ("StartInstance", &[instance], &[S::Starting, S::Running], &code),
        (
            "RebootInstance",
            &[instance, ("ForceStop", "False")],
            &[S::Stopping, S::Starting, S::Running],
            &code,
        ),
        ("ReinitInstance", &[instance, ("ImageId", "m-debian-12")], &[S::Resetting, S::Running], &json!({})),
        (
            "ReinitInstance",
            &[instance, ("ImageId", "m-ubuntu-24-04"), ("Password", "newPassword:1")],
            &[S::ImageDownloading, S::Resetting, S::Running],
            &json!({}),
        ),
    ] {
        let shown = world.call(operation, parameters).unwrap();
        assert_eq!(&Value::Object(shown), answer, "{operation}");
        assert_eq!(states(&mut world, id), way, "{operation}");
    }
    let disk = world.see(id).system_disk.id.to_string();
    world.call("ReInitDisk", &[("DiskId", &disk), ("ImageId", "m-ubuntu-24-04")]).unwrap();
    assert_eq!(states(&mut world, id), [S::Resetting, S::Running]);
    let answer = world.call_of(Product::Ravelin, "TransferInstance", &[instance]).unwrap();
    assert!(answer.is_empty());
    assert_eq!(states(&mut world, id), [S::Transferring, S::Running]);
}

#[test]
fn an_instance_in_a_passing_state_is_left_alone() {
    let mut world = World::new();
    let group = world.group("web").to_string();
    let id = world.instance(&[]).to_string();
    let instance = ("InstanceId", &*id);
    let reset = [instance, ("ImageId", "m-debian-12")];
    world.call("ReinitInstance", &reset).unwrap();
    for (operation, parameters) in [
        ("StartInstance", &[instance][..]),
        ("StopInstance", &[instance]),
        ("RebootInstance", &[instance]),
        ("ReinitInstance", &reset),
        ("ReleaseInstance", &[instance]),
        ("ReleasePostPaidInstance", &[instance]),
        ("JoinSecurityGroup", &[instance, ("SecurityGroupId", &*group)]),
    ] {
        assert_eq!(world.fault(operation, parameters), "IncorrectInstanceStatus", "{operation}");
    }
    let transfer = world.call_of(Product::Ravelin, "TransferInstance", &[instance]);
    assert_eq!(transfer.unwrap_err().code, "IncorrectInstanceStatus");
}

#[test]
fn what_does_not_exist_is_named_as_the_vendor_names_it() {
    let mut world = World::new();
    let instance = ("InstanceId", "i-bp67acfmxazb4p");
    for (operation, others) in [
        ("StartInstance", &[][..]),
        ("StopInstance", &[]),
        ("RebootInstance", &[]),
        ("ReinitInstance", &[("ImageId", "m-debian-12")]),
        ("ModifyInstanceAttribute", &[("InstanceName", "web")]),
        ("ReleaseInstance", &[]),
        ("ReleasePostPaidInstance", &[]),
        ("ReleasePrePaidInstance", &[]),
    ] {
        let parameters = [&[instance], others].concat();
        assert_eq!(world.fault(operation, &parameters), "InstanceIdNotFound", "{operation}");
        assert_eq!(world.fault(operation, others), "MissingParameter", "{operation}");
        let malformed = [&[("InstanceId", "i 1")], others].concat();
        assert_eq!(world.fault(operation, &malformed), "InvalidParameter.InstanceId", "{operation}");
    }
    let transfer = world.call_of(Product::Ravelin, "TransferInstance", &[instance]);
    assert_eq!(transfer.unwrap_err().code, "InstanceIdNotFound");
    let id = world.instance(&[]);
    let disk = world.see(id).system_disk.id.to_string();
    let image = [("InstanceId", &*id.to_string()), ("ImageId", "m-none")];
    assert_eq!(world.fault("ReinitInstance", &image), "InvalidImageId.NotFound");
    assert_eq!(
        world.fault("ReInitDisk", &[("DiskId", &*disk), ("ImageId", "m-none")]),
        "InvalidImageId.NotFound"
    );
    let disk = [("DiskId", "d-none"), ("ImageId", "m-debian-12")];
    assert_eq!(world.fault("ReInitDisk", &disk), "InvalidDiskId.NotFound");
}

#[test]
fn attributes_are_changed_where_they_are_given() {
    let mut world = World::new();
    let id = world.instance(&[]);
    let text = id.to_string();
    let modify = |world: &mut World, name, value| {
        world.call("ModifyInstanceAttribute", &[("InstanceId", &*text), (name, value)])
    };
    let answer = modify(&mut world, "InstanceName", "web.north").unwrap();
    assert_eq!(Value::Object(answer), json!({ "Code": 200 }));
    modify(&mut world, "HostName", "web-1").unwrap();
    modify(&mut world, "UserData", "YQ==").unwrap();
    modify(&mut world, "DeletionProtection", "true").unwrap();
    let seen = world.see(id);
    assert_eq!(seen.name.as_deref(), Some("web.north"));
    assert_eq!(seen.host_name.as_deref(), Some("web-1"));
    assert_eq!(seen.user_data.as_deref(), Some("YQ=="));
    assert!(seen.deletion_protection);
    // A password is for an instance that is not running.
    let password = modify(&mut world, "Password", "newPassword:1").unwrap_err();
    assert_eq!(password.code, "IncorrectInstanceStatus");
    world.call("StopInstance", &[("InstanceId", &text)]).unwrap();
    world.settle();
    modify(&mut world, "Password", "newPassword:1").unwrap();
    for (name, value) in [
        ("InstanceName", "1web"),
        ("InstanceName", "w"),
        ("HostName", "-web"),
        ("UserData", "a"),
        ("DeletionProtection", "yes"),
        ("Password", "short:1"),
        ("Password", "onlysmallletters"),
    ] {
        let fault = modify(&mut world, name, value).unwrap_err();
        assert_eq!(fault.code, format!("InvalidParameter.{name}"), "{value}");
        assert!(name != "Password" || !fault.message.contains(value));
    }
}

#[test]
fn a_password_is_forgotten_once_it_is_checked() {
    let operation = crate::catalogue::find(Product::Ens, "ModifyInstanceAttribute").unwrap();
    let arguments = validate(operation, &read(&[("InstanceId", "i-1"), ("Password", "mySecret:1")])).unwrap();
    assert!(arguments.has("Password"));
    assert!(!format!("{arguments:?}").contains("mySecret"));
}

#[test]
fn releases_are_for_the_charge_they_name() {
    let mut world = World::new();
    let prepaid = model::command::ChargeWish::PrePaid { days: 30, renew: false };
    let subscription = world.run(model::command::InstanceWish { charge: prepaid, ..World::wish() })[0];
    let by_use = world.instance(&[]);
    world.settle();
    let parameters = |id: InstanceId| id.to_string();
    let (subscription_id, by_use_id) = (parameters(subscription), parameters(by_use));
    let (subscription_id, by_use_id) = ([("InstanceId", &*subscription_id)], [("InstanceId", &*by_use_id)]);
    assert_eq!(world.fault("ReleasePostPaidInstance", &subscription_id), "InvalidParameter");
    assert_eq!(world.fault("ReleasePrePaidInstance", &by_use_id), "InvalidParameter");
    let protect = [by_use_id[0], ("DeletionProtection", "true")];
    world.call("ModifyInstanceAttribute", &protect).unwrap();
    for operation in ["ReleasePostPaidInstance", "ReleaseInstance"] {
        assert_eq!(world.fault(operation, &by_use_id), "OperationDenied.DeletionProtection");
    }
    let unprotect = [by_use_id[0], ("DeletionProtection", "false")];
    world.call("ModifyInstanceAttribute", &unprotect).unwrap();
    assert!(world.call("ReleasePrePaidInstance", &subscription_id).unwrap().is_empty());
    assert!(world.call("ReleasePostPaidInstance", &by_use_id).unwrap().is_empty());
    assert_eq!(states(&mut world, by_use), [S::Releasing]);
    assert_eq!(world.fault("ReleasePostPaidInstance", &by_use_id), "InstanceIdNotFound");
}

#[test]
fn release_instance_knows_a_resource_by_its_id() {
    let mut world = World::new();
    let (network, vswitch) = world.network("10.7.0.0/24");
    let (network, vswitch) = (network.to_string(), vswitch.to_string());
    let id = world.instance(&[]).to_string();
    assert_eq!(world.fault("ReleaseInstance", &[("InstanceId", &network)]), "DependencyViolation");
    for (id, resource_type) in [(&id, "instance"), (&vswitch, "vswitch"), (&network, "network")] {
        let answer = world.call("ReleaseInstance", &[("InstanceId", id)]).unwrap();
        assert_eq!(Value::Object(answer), json!({ "ResourceType": resource_type }));
    }
    assert_eq!(world.fault("ReleaseInstance", &[("InstanceId", &network)]), "InvalidNetworkId.NotFound");
    assert_eq!(world.fault("ReleaseInstance", &[("InstanceId", "eip-1")]), "InstanceIdNotFound");
}
