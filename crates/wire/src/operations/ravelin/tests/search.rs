//! Lists that are searched by parts of names and ids.

use super::*;

/// The texts at `field` of what is listed, and how much there is of it.
#[track_caller]
fn listed(answer: &Answer, pointer: &str, field: &str) -> (Vec<String>, u64) {
    let answer = Value::Object(answer.clone());
    let items = answer.pointer(pointer).and_then(Value::as_array).unwrap();
    let texts = items.iter().map(|item| item[field].as_str().unwrap().to_owned()).collect();
    (texts, answer["TotalCount"].as_u64().unwrap())
}

#[track_caller]
fn groups(world: &mut World, parameters: &[(&str, &str)]) -> (Vec<String>, u64) {
    let answer = call(world, "ListSecurityGroups", parameters).unwrap();
    listed(&answer, "/SecurityGroups/SecurityGroup", "SecurityGroupName")
}

#[track_caller]
fn networks(world: &mut World, parameters: &[(&str, &str)]) -> (Vec<String>, u64) {
    listed(&call(world, "ListNetworks", parameters).unwrap(), "/Networks/Network", "NetworkName")
}

fn found(names: &[&str]) -> (Vec<String>, u64) {
    (names.iter().map(|name| (*name).to_owned()).collect(), names.len().try_into().unwrap())
}

#[test]
fn groups_are_found_by_a_part_of_their_name_or_id() {
    let mut world = World::new();
    let front = world.group("web-front").to_string();
    world.group("Web-back");
    world.group("database");
    assert_eq!(groups(&mut world, &[]), found(&["database", "Web-back", "web-front"]));
    assert_eq!(groups(&mut world, &[("SearchKey", "WEB")]), found(&["Web-back", "web-front"]));
    assert_eq!(groups(&mut world, &[("SearchKey", &front[6..20])]), found(&["web-front"]));
    assert_eq!(groups(&mut world, &[("SearchKey", &front)]), found(&["web-front"]));
    assert_eq!(groups(&mut world, &[("SearchKey", "nothing")]), found(&[]));
    let page = [("SearchKey", "web"), ("PageSize", "1"), ("PageNumber", "2")];
    assert_eq!(groups(&mut world, &page), (vec!["web-front".to_owned()], 2));

    world.actor = Actor::Root(world.new_account("other"));
    assert_eq!(groups(&mut world, &[]), found(&[]));
    assert_eq!(groups(&mut world, &[("SearchKey", &front)]), found(&[]));
}

#[test]
fn groups_are_found_by_who_is_in_them() {
    let mut world = World::new();
    let (web, database) = (world.group("web"), world.group("database"));
    world.group("forgotten");
    let instance = world.instance(&[web, database]);
    let other = interface(&mut world).to_string();
    let interface = world.see(instance).primary_interface.to_string();
    let instance = instance.to_string();
    assert_eq!(groups(&mut world, &[("HasMembers", "false")]), found(&["forgotten"]));
    assert_eq!(groups(&mut world, &[("HasMembers", "true")]).1, 3);
    assert_eq!(groups(&mut world, &[("InstanceId", &instance)]), found(&["database", "web"]));
    assert_eq!(groups(&mut world, &[("NetworkInterfaceId", &interface)]), found(&["database", "web"]));
    assert_eq!(groups(&mut world, &[("InstanceId", &instance), ("SearchKey", "dat")]), found(&["database"]));
    let both = [("InstanceId", instance.as_str()), ("NetworkInterfaceId", other.as_str())];
    assert_eq!(groups(&mut world, &both), found(&[]));
    let unknown = [("InstanceId", "i-5vn4n3y4laeb2ii9zxxltlvzi")];
    assert_eq!(groups(&mut world, &unknown), found(&[]));

    let answer = call(&mut world, "ListSecurityGroups", &[("SearchKey", "database")]).unwrap();
    let shown = &answer["SecurityGroups"]["SecurityGroup"][0];
    assert_eq!((&shown["InstanceCount"], &shown["NetworkInterfaceCount"]), (&json!(1), &json!(0)));
    let answer = call(&mut world, "ListSecurityGroups", &[("NetworkInterfaceId", &other)]).unwrap();
    let shown = &answer["SecurityGroups"]["SecurityGroup"][0];
    assert_eq!((&shown["InstanceCount"], &shown["NetworkInterfaceCount"]), (&json!(0), &json!(1)));

    world.actor = Actor::Root(world.new_account("other"));
    for own in [("InstanceId", instance.as_str()), ("NetworkInterfaceId", interface.as_str())] {
        assert_eq!(groups(&mut world, &[own]), found(&[]));
    }
}

#[test]
fn networks_are_found_by_a_part_of_their_name_and_their_site() {
    let mut world = World::new();
    for (name, region, block) in [
        ("front-1", REGION, "10.1.0.0/16"),
        ("front-2", "cn-hangzhou-telecom", "10.2.0.0/16"),
        ("back", REGION, "10.3.0.0/16"),
    ] {
        let wish = [("EnsRegionId", region), ("CidrBlock", block), ("NetworkName", name)];
        world.call("CreateNetwork", &wish).unwrap();
    }
    assert_eq!(networks(&mut world, &[]), found(&["back", "front-2", "front-1"]));
    assert_eq!(networks(&mut world, &[("SearchKey", "FRONT")]), found(&["front-2", "front-1"]));
    assert_eq!(networks(&mut world, &[("EnsRegionId", REGION)]), found(&["back", "front-1"]));
    let both = [("SearchKey", "front"), ("EnsRegionId", REGION)];
    assert_eq!(networks(&mut world, &both), found(&["front-1"]));
    let answer = call(&mut world, "ListNetworks", &both).unwrap();
    let id = text(&answer, "/Networks/Network/0/NetworkId");
    assert_eq!(networks(&mut world, &[("SearchKey", &id[4..16])]), found(&["front-1"]));
    assert_eq!(world.call("DescribeNetworks", &[("NetworkId", &id)]).unwrap(), answer);

    world.actor = Actor::Root(world.new_account("other"));
    assert_eq!(networks(&mut world, &[("SearchKey", "front")]), found(&[]));
}
