//! The story: what is called, in which order, and what must come of it. Its second half, with real packets, is told
//! where there can be a host.

use wire::catalogue::Product::{Ens, Ram, Sts};

use super::{
    ground::Lacking,
    lab_node::LabNode,
    packets,
    scene::{Caller, Scene, Stop, done, is, one, refused, shows, texts},
};
use crate::client::Credentials;

/// The rule that the group begins with.
const SSH: &str = r#"[{"Direction":"ingress","IpProtocol":"TCP","PortRange":"22/22","Policy":"Accept","Priority":1,"SourceCidrIp":"10.0.0.0/8","Description":"operators"}]"#;
/// Where an instance of DescribeInstances lists its groups.
const GROUPS: &str = "Instances.Instance[].SecurityGroupIds.SecurityGroupId[]";
/// Where it says its state.
const STATUS: &str = "Instances.Instance[].Status";
/// Where a group of DescribeSecurityGroups lists its members.
const MEMBERS: &str = "SecurityGroups.SecurityGroup[].InstanceIds.InstanceId[]";
/// The RAM user.
const USER: &str = "alice";

/// Tells the story. Whether every step did what it should.
///
/// # Errors
/// A call could not be made at all.
pub(super) fn tell(
    mut scene: Scene,
    credentials: Credentials,
    host: Result<LabNode, Lacking>,
) -> anyhow::Result<bool> {
    let url = scene.url().to_owned();
    scene.narrator.begin(&url);
    let told = scene.caller("root", credentials).and_then(|root| {
        parts(&mut scene, &root)?;
        match host {
            Ok(mut host) => packets::parts(&mut scene, &root, &mut host),
            Err(lacking) => {
                scene.narrator.left_out(packets::PART, &lacking.to_string(), lacking.advice());
                Ok(())
            }
        }
    });
    scene.narrator.end(told.is_ok());
    if let Some(error) = scene.narrator.unheard() {
        return Err(error);
    }
    match told {
        Ok(()) => Ok(true),
        Err(Stop::Failed) => Ok(false),
        Err(Stop::Broken(error)) => Err(error),
    }
}

/// The things that the story is about.
struct Cast {
    web: String,
    admin: String,
    instance: String,
}

fn parts(scene: &mut Scene, root: &Caller) -> Result<(), Stop> {
    let cast = make(scene, root)?;
    join(scene, root, &cast)?;
    leave(scene, root, &cast)?;
    reset(scene, root, &cast)?;
    permission(scene, root, &cast)?;
    clean_up(scene, root, &cast)
}

fn make(scene: &mut Scene, root: &Caller) -> Result<Cast, Stop> {
    scene.narrator.part("Two groups and an instance");
    scene.call(root, "Who am I? The root of a new account", (Sts, "GetCallerIdentity"), &[], |reply| {
        is(reply, "IdentityType", &["Account"])
    })?;
    let made = scene.call(
        root,
        "Make a group that lets SSH in from 10.0.0.0/8",
        (Ens, "CreateSecurityGroup"),
        &[("SecurityGroupName", "web"), ("Description", "Front ends"), ("Permissions", SSH)],
        |reply| shows(reply, &["SecurityGroupId"]),
    )?;
    let web = one(&made, "SecurityGroupId")?;
    scene.call(
        root,
        "Let HTTPS in from everywhere",
        (Ens, "AuthorizeSecurityGroup"),
        &[
            ("SecurityGroupId", &web),
            ("IpProtocol", "tcp"),
            ("PortRange", "443/443"),
            ("SourceCidrIp", "0.0.0.0/0"),
            ("Policy", "accept"),
        ],
        done,
    )?;
    scene.call(
        root,
        "The group has both rules",
        (Ens, "DescribeSecurityGroupAttribute"),
        &[("SecurityGroupId", &web)],
        |reply| {
            let mut ports = texts(reply, "Permissions.Permission[].PortRange");
            ports.sort();
            match done(reply) {
                Ok(_) if ports == ["22/22", "443/443"] => Ok(vec![("PortRange", ports.join(", "))]),
                Ok(_) => Err(format!("expected rules for 22/22 and 443/443; got [{}]", ports.join(", "))),
                failed => failed,
            }
        },
    )?;
    let made = scene.call(
        root,
        "Make a second group",
        (Ens, "CreateSecurityGroup"),
        &[("SecurityGroupName", "admin")],
        |reply| shows(reply, &["SecurityGroupId"]),
    )?;
    let admin = one(&made, "SecurityGroupId")?;
    let made = scene.call(
        root,
        "Run an instance at an edge site",
        (Ens, "RunInstances"),
        &[("EnsRegionId", "edge-1"), ("InstanceName", "front-end"), ("InstanceType", "ens.sn1.small")],
        |reply| shows(reply, &["InstanceIds[]"]),
    )?;
    let instance = one(&made, "InstanceIds[]")?;
    wait_until_running(scene, root, "Wait until it runs", &instance)?;
    Ok(Cast { web, admin, instance })
}

fn wait_until_running(scene: &mut Scene, root: &Caller, title: &str, instance: &str) -> Result<(), Stop> {
    let mut passed: Vec<String> = Vec::new();
    let parameters = [("InstanceId", instance)];
    scene.wait(root, title, (Ens, "DescribeInstances"), &parameters, |reply| {
        let status = texts(reply, STATUS).into_iter().next().unwrap_or_default();
        if passed.last() != Some(&status) {
            passed.push(status.clone());
        }
        match done(reply) {
            Ok(_) if status == "Running" => Some(Ok(vec![("Status", passed.join(", then "))])),
            Ok(_) => None,
            failed => Some(failed),
        }
    })?;
    Ok(())
}

fn join(scene: &mut Scene, root: &Caller, cast: &Cast) -> Result<(), Stop> {
    scene.narrator.part("Join");
    for (title, group) in [("Join the first group", &cast.web), ("Join the second one, too", &cast.admin)] {
        let target = [("SecurityGroupId", group.as_str()), ("InstanceId", &cast.instance)];
        scene.call(root, title, (Ens, "JoinSecurityGroup"), &target, done)?;
    }
    scene.call(
        root,
        "The instance lists its groups, the newest membership first",
        (Ens, "DescribeInstances"),
        &[("InstanceId", &cast.instance)],
        |reply| is(reply, GROUPS, &[&cast.admin, &cast.web]),
    )?;
    scene.call(
        root,
        "The group lists its member",
        (Ens, "DescribeSecurityGroups"),
        &[("SecurityGroupId", &cast.web)],
        |reply| is(reply, MEMBERS, &[&cast.instance]),
    )?;
    scene.call(
        root,
        "A group with a member cannot be deleted; the error names the member",
        (Ens, "DeleteSecurityGroup"),
        &[("SecurityGroupId", &cast.web)],
        |reply| refused(reply, 400, "DependencyViolation", &[&cast.instance]),
    )?;
    Ok(())
}

fn leave(scene: &mut Scene, root: &Caller, cast: &Cast) -> Result<(), Stop> {
    scene.narrator.part("Leave");
    let target = [("SecurityGroupId", cast.web.as_str()), ("InstanceId", &cast.instance)];
    scene.call(root, "Leave the first group", (Ens, "LeaveSecurityGroup"), &target, |reply| {
        let fields = reply.body.as_object().map_or(0, serde_json::Map::len);
        if fields == 1 {
            shows(reply, &["RequestId"])
        } else {
            done(reply).and(Err("expected RequestId alone".into()))
        }
    })?;
    scene.call(root, "No instance is in it any more", (Ens, "DescribeInstances"), &target, |reply| {
        is(reply, "TotalCount", &["0"])
    })?;
    scene.call(
        root,
        "The group says so, too",
        (Ens, "DescribeSecurityGroups"),
        &[("SecurityGroupId", &cast.web)],
        |reply| is(reply, MEMBERS, &[]),
    )?;
    scene.call(
        root,
        "Leave again: an error that names both",
        (Ens, "LeaveSecurityGroup"),
        &target,
        |reply| refused(reply, 400, "InvalidParameter", &[&cast.instance, &cast.web]),
    )?;
    Ok(())
}

fn reset(scene: &mut Scene, root: &Caller, cast: &Cast) -> Result<(), Stop> {
    scene.narrator.part("While its disk is being reset an instance keeps its groups");
    let instance = [("InstanceId", cast.instance.as_str())];
    let target = [("SecurityGroupId", cast.admin.as_str()), ("InstanceId", &cast.instance)];
    let image = [instance[0], ("ImageId", "m-debian-12")];
    scene.call(root, "Reset the instance's disk to an image", (Ens, "ReinitInstance"), &image, done)?;
    scene.call(root, "It is being reset", (Ens, "DescribeInstances"), &instance, |reply| {
        is(reply, STATUS, &["Resetting"])
    })?;
    scene.call(root, "Now it cannot leave", (Ens, "LeaveSecurityGroup"), &target, |reply| {
        refused(reply, 400, "IncorrectInstanceStatus", &[])
    })?;
    wait_until_running(scene, root, "Wait until the reset is over", &cast.instance)?;
    scene.call(root, "It is still in its group", (Ens, "DescribeInstances"), &instance, |reply| {
        is(reply, GROUPS, &[&cast.admin])
    })?;
    Ok(())
}

fn permission(scene: &mut Scene, root: &Caller, cast: &Cast) -> Result<(), Stop> {
    scene.narrator.part("Who may do it");
    let user = [("UserName", USER)];
    scene.call(root, "Make a RAM user", (Ram, "CreateUser"), &user, |reply| {
        shows(reply, &["User.UserName"])
    })?;
    let made = scene.call(root, "Make it an access key", (Ram, "CreateAccessKey"), &user, |reply| {
        shows(reply, &["AccessKey.AccessKeyId"])
    })?;
    let id = one(&made, "AccessKey.AccessKeyId")?;
    let alice = scene.caller(USER, Credentials { id, secret: one(&made, "AccessKey.AccessKeySecret")? })?;
    let target = [("SecurityGroupId", cast.admin.as_str()), ("InstanceId", &cast.instance)];
    scene.call(
        &alice,
        "Without a policy it may do nothing",
        (Ens, "LeaveSecurityGroup"),
        &target,
        |reply| refused(reply, 400, "NoPermission", &[]),
    )?;
    let policy = [("PolicyType", "System"), ("PolicyName", "AliyunENSFullAccess"), ("UserName", USER)];
    scene.call(root, "Attach AliyunENSFullAccess", (Ram, "AttachPolicyToUser"), &policy, done)?;
    scene.call(&alice, "Now it may", (Ens, "LeaveSecurityGroup"), &target, done)?;
    scene.call(
        &alice,
        "The instance is in no group",
        (Ens, "DescribeInstances"),
        &[("InstanceId", &cast.instance)],
        |reply| is(reply, GROUPS, &[]),
    )?;
    Ok(())
}

fn clean_up(scene: &mut Scene, root: &Caller, cast: &Cast) -> Result<(), Stop> {
    scene.narrator.part("Clean up");
    for (title, group) in [("Delete the first group", &cast.web), ("Delete the second group", &cast.admin)] {
        scene.call(root, title, (Ens, "DeleteSecurityGroup"), &[("SecurityGroupId", group)], done)?;
    }
    let instance = [("InstanceId", cast.instance.as_str())];
    scene.call(root, "Release the instance", (Ens, "ReleasePostPaidInstance"), &instance, done)?;
    scene.wait(root, "Wait until it is gone", (Ens, "DescribeInstances"), &instance, |reply| {
        let gone = is(reply, "TotalCount", &["0"]);
        (gone.is_ok() || reply.status != 200).then_some(gone)
    })?;
    Ok(())
}
