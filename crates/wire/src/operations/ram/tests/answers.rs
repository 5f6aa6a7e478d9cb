//! What good calls are answered.

use model::{Actor, ram::UserId};

use super::*;

#[test]
fn users_are_created_shown_changed_and_deleted() {
    let mut world = World::new();
    let made = world.good(
        "CreateUser",
        &[
            ("UserName", "alice"),
            ("DisplayName", "Алиса"),
            ("Email", "alice@example.com"),
            ("MobilePhone", "86-18688880000"),
            ("Comments", "on call"),
        ],
    );
    let user = &made["User"];
    assert_eq!(user["UserId"].as_str().map(str::len), Some(18));
    assert_eq!((&user["UserName"], &user["Comments"]), (&json!("alice"), &json!("on call")));
    assert_eq!(user["CreateDate"], "2026-01-02T03:04:06Z");
    assert!(user.get("UpdateDate").is_none());

    let changed =
        world.good("UpdateUser", &[("UserName", "alice"), ("NewUserName", "eve"), ("NewComments", "off")]);
    assert_eq!(changed["User"]["UpdateDate"], "2026-01-02T03:04:07Z");
    let seen = world.good("GetUser", &[("UserName", "eve")]);
    assert_eq!(seen["User"]["UserId"], user["UserId"]);
    assert_eq!((&seen["User"]["DisplayName"], &seen["User"]["Comments"]), (&json!("Алиса"), &json!("off")));
    assert_eq!(seen["User"]["LastLoginDate"], "");
    assert_eq!(world.good("DeleteUser", &[("UserName", "eve")]), json!({}));
    assert_eq!(world.good("ListUsers", &[]), json!({ "IsTruncated": false, "Users": { "User": [] } }));
}

#[test]
fn a_secret_is_shown_once() {
    let mut world = World::new();
    world.good("CreateUser", &[("UserName", "alice")]);
    let made = world.good("CreateAccessKey", &[("UserName", "alice")]);
    let (id, secret) =
        (made["AccessKey"]["AccessKeyId"].clone(), made["AccessKey"]["AccessKeySecret"].clone());
    let (id, secret) = (id.as_str().unwrap(), secret.as_str().unwrap());
    assert_eq!((id.len(), secret.len(), &made["AccessKey"]["Status"]), (24, 30, &json!("Active")));
    world.good("UpdateAccessKey", &[("UserName", "alice"), ("UserAccessKeyId", id), ("Status", "Inactive")]);
    let listed = world.good("ListAccessKeys", &[("UserName", "alice")]);
    let key =
        json!({ "AccessKeyId": id, "Status": "Inactive", "CreateDate": made["AccessKey"]["CreateDate"] });
    assert_eq!(listed, json!({ "AccessKeys": { "AccessKey": [key] } }));
    for (operation, parameters) in [("GetUser", [("UserName", "alice")].as_slice()), ("ListUsers", &[])] {
        assert!(!world.good(operation, parameters).to_string().contains(secret));
    }
    world.good("DeleteAccessKey", &[("UserName", "alice"), ("UserAccessKeyId", id)]);
    assert_eq!(
        world.good("ListAccessKeys", &[("UserName", "alice")]),
        json!({ "AccessKeys": { "AccessKey": [] } })
    );
}

#[test]
fn without_a_name_the_caller_is_meant() {
    let mut world = World::new();
    let root = world.actor;
    let made = world.good("CreateUser", &[("UserName", "alice")]);
    let id = UserId(made["User"]["UserId"].as_str().unwrap().parse().unwrap());
    assert_eq!(names(&world.good("ListAccessKeys", &[])["AccessKeys"]["AccessKey"], "AccessKeyId").len(), 1);
    world.actor = Actor::User(world.account(), id);
    assert_eq!(world.good("ListAccessKeys", &[]), json!({ "AccessKeys": { "AccessKey": [] } }));
    let own = world.good("CreateAccessKey", &[])["AccessKey"]["AccessKeyId"].clone();
    world.actor = root;
    let alices = world.good("ListAccessKeys", &[("UserName", "alice")]);
    assert_eq!(alices["AccessKeys"]["AccessKey"][0]["AccessKeyId"], own);
}

#[test]
fn the_caller_is_told_who_it_is() {
    let mut world = World::new();
    let account = world.account().to_string();
    let root = json!({
        "IdentityType": "Account",
        "AccountId": account,
        "UserId": account,
        "PrincipalId": account,
        "Arn": format!("acs:ram::{account}:root"),
    });
    assert_eq!(world.identity(), root);
    let made = world.good("CreateUser", &[("UserName", "alice")]);
    let id = made["User"]["UserId"].as_str().unwrap();
    world.actor = Actor::User(world.account(), UserId(id.parse().unwrap()));
    let user = json!({
        "IdentityType": "RAMUser",
        "AccountId": account,
        "UserId": id,
        "PrincipalId": id,
        "Arn": format!("acs:ram::{account}:user/alice"),
    });
    assert_eq!(world.identity(), user);
    world.actor = Actor::User(world.account(), UserId(7));
    let gone = world.call_of(Product::Sts, "GetCallerIdentity", &[]).unwrap_err();
    assert_eq!(gone.code, "InvalidAccessKeyId.NotFound");
}

#[test]
fn policies_have_versions() {
    let mut world = World::new();
    let named = ("PolicyName", "own");
    let custom = ("PolicyType", "Custom");
    let made = world.good(
        "CreatePolicy",
        &[
            named,
            ("PolicyDocument", DOCUMENT),
            ("Description", "first"),
            ("Tag.1.Key", "team"),
            ("Tag.1.Value", "edge"),
        ],
    );
    assert_eq!(
        (&made["Policy"]["DefaultVersion"], &made["Policy"]["PolicyType"]),
        (&json!("v1"), &json!("Custom"))
    );
    let deny = DOCUMENT.replace("Allow", "Deny");
    let version =
        world.good("CreatePolicyVersion", &[named, ("PolicyDocument", &deny), ("SetAsDefault", "true")]);
    assert_eq!(version["PolicyVersion"]["VersionId"], "v2");
    assert_eq!(version["PolicyVersion"]["IsDefaultVersion"], true);

    let seen = world.good("GetPolicy", &[named, custom]);
    assert_eq!(
        (&seen["Policy"]["DefaultVersion"], &seen["Policy"]["AttachmentCount"]),
        (&json!("v2"), &json!(0))
    );
    assert_eq!(
        (&seen["Policy"]["PolicyDocument"], &seen["Policy"]["Description"]),
        (&json!(deny), &json!("first"))
    );
    assert_eq!(seen["DefaultPolicyVersion"], version["PolicyVersion"]);
    let first = world.good("GetPolicyVersion", &[named, custom, ("VersionId", "v1")]);
    assert_eq!(first["PolicyVersion"]["PolicyDocument"], DOCUMENT);
    assert_eq!(first["PolicyVersion"]["IsDefaultVersion"], false);
    let listed = world.good("ListPolicyVersions", &[named, custom]);
    let versions = &listed["PolicyVersions"]["PolicyVersion"];
    assert_eq!(names(versions, "VersionId"), ["v1", "v2"]);

    let described = world.good("UpdatePolicyDescription", &[named, ("NewDescription", "second")]);
    assert_eq!(described["Policy"]["Description"], "second");
    world.good("SetDefaultPolicyVersion", &[named, ("VersionId", "v1")]);
    world.good("DeletePolicyVersion", &[named, ("VersionId", "v2")]);
    for number in 3..=6 {
        let rotate = ("RotateStrategy", "DeleteOldestNonDefaultVersionWhenLimitExceeded");
        let made = world.good("CreatePolicyVersion", &[named, ("PolicyDocument", DOCUMENT), rotate]);
        assert_eq!(made["PolicyVersion"]["VersionId"], format!("v{number}"));
    }
    assert_eq!(world.good("DeletePolicy", &[named, ("CascadingDelete", "true")]), json!({}));
}

#[test]
fn system_policies_are_policies() {
    let mut world = World::new();
    let parameters = [("PolicyName", "AliyunENSFullAccess"), ("PolicyType", "System")];
    let seen = world.good("GetPolicy", &parameters);
    assert_eq!(
        (&seen["Policy"]["PolicyType"], &seen["Policy"]["DefaultVersion"]),
        (&json!("System"), &json!("v1"))
    );
    assert!(seen["DefaultPolicyVersion"]["PolicyDocument"].as_str().unwrap().contains("ens:*"));
    let versions = world.good("ListPolicyVersions", &parameters);
    assert_eq!(versions["PolicyVersions"]["PolicyVersion"], json!([seen["DefaultPolicyVersion"]]));
    let [name, kind] = parameters;
    let version = world.good("GetPolicyVersion", &[name, kind, ("VersionId", "v1")]);
    assert_eq!(version["PolicyVersion"], seen["DefaultPolicyVersion"]);
    // A policy of the account may have the name of a system policy; they do not get mixed up.
    world.good("CreatePolicy", &[name, ("PolicyDocument", DOCUMENT)]);
    assert_eq!(world.good("GetPolicy", &[name, ("PolicyType", "Custom")])["Policy"]["PolicyType"], "Custom");
    assert_eq!(world.good("GetPolicy", &parameters), seen);
}

#[test]
fn policies_are_attached_and_detached() {
    let mut world = World::new();
    world.good("CreateUser", &[("UserName", "alice"), ("DisplayName", "Alice")]);
    world.good(
        "CreatePolicy",
        &[("PolicyName", "own"), ("PolicyDocument", DOCUMENT), ("Description", "first")],
    );
    let user = ("UserName", "alice");
    let own = [("PolicyName", "own"), ("PolicyType", "Custom")];
    let system = [("PolicyName", "AliyunENSReadOnlyAccess"), ("PolicyType", "System")];
    for [name, kind] in [own, system] {
        assert_eq!(
            world.good("AttachPolicyToUser", &[name, kind, user, ("ResourceGroupId", "rg-1")]),
            json!({})
        );
        let entities = world.good("ListEntitiesForPolicy", &[name, kind]);
        assert_eq!(names(&entities["Users"]["User"], "UserName"), ["alice"]);
        assert_eq!(entities["Users"]["User"][0]["DisplayName"], "Alice");
        assert_eq!((&entities["Groups"]["Group"], &entities["Roles"]["Role"]), (&json!([]), &json!([])));
        assert_eq!(world.good("GetPolicy", &[name, kind])["Policy"]["AttachmentCount"], 1);
    }
    let listed = world.good("ListPoliciesForUser", &[user]);
    let first = &listed["Policies"]["Policy"][0];
    assert_eq!(names(&listed["Policies"]["Policy"], "PolicyName"), ["own", "AliyunENSReadOnlyAccess"]);
    assert_eq!((&first["Description"], &first["DefaultVersion"]), (&json!("first"), &json!("v1")));
    assert_eq!(first["AttachDate"], "2026-01-02T03:04:08Z");
    world.good("DetachPolicyFromUser", &[own[0], own[1], user]);
    let left = world.good("ListPoliciesForUser", &[user]);
    assert_eq!(names(&left["Policies"]["Policy"], "PolicyName"), ["AliyunENSReadOnlyAccess"]);
}

#[test]
fn lists_go_on_where_they_stopped() {
    let mut world = World::new();
    for name in ["a", "b", "c", "d", "e"] {
        world.good("CreateUser", &[("UserName", name)]);
    }
    let first = world.good("ListUsers", &[("MaxItems", "2")]);
    assert_eq!(
        (names(&first["Users"]["User"], "UserName"), &first["IsTruncated"]),
        (vec!["a".into(), "b".into()], &json!(true))
    );
    // The last one that was shown goes, one that was not yet shown goes, and one comes.
    world.good("DeleteUser", &[("UserName", "b")]);
    world.good("DeleteUser", &[("UserName", "c")]);
    world.good("CreateUser", &[("UserName", "f")]);
    let marker = first["Marker"].as_str().unwrap();
    let rest = world.good("ListUsers", &[("MaxItems", "3"), ("Marker", marker)]);
    assert_eq!(names(&rest["Users"]["User"], "UserName"), ["d", "e", "f"]);
    assert_eq!((&rest["IsTruncated"], rest.get("Marker")), (&json!(false), None));

    world.good("CreatePolicy", &[("PolicyName", "own"), ("PolicyDocument", DOCUMENT)]);
    let tagged = [
        ("PolicyName", "tagged"),
        ("PolicyDocument", DOCUMENT),
        ("Tag", r#"[{"Key":"team","Value":"edge"}]"#),
    ];
    world.good("CreatePolicy", &tagged);
    let whole = names(&world.good("ListPolicies", &[])["Policies"]["Policy"], "PolicyName");
    let mut seen = Vec::new();
    let mut marker = None;
    loop {
        let next: Vec<(&str, &str)> = [("MaxItems", "1")]
            .into_iter()
            .chain(marker.as_deref().map(|marker| ("Marker", marker)))
            .collect();
        let step = world.good("ListPolicies", &next);
        seen.extend(names(&step["Policies"]["Policy"], "PolicyName"));
        marker = step["Marker"].as_str().map(str::to_owned);
        if marker.is_none() {
            break;
        }
    }
    assert_eq!(seen, whole);
    assert_eq!(whole[..2], ["AdministratorAccess", "AliyunENSFullAccess"]);
    let of = |world: &mut World, parameters: Given<'_>| {
        names(&world.good("ListPolicies", parameters)["Policies"]["Policy"], "PolicyName")
    };
    assert_eq!(of(&mut world, &[("PolicyType", "Custom")]), ["own", "tagged"]);
    assert!(of(&mut world, &[("PolicyType", "System")]).iter().all(|name| name.contains("Access")));
    assert_eq!(of(&mut world, &[("Tag.1.Key", "team")]), ["tagged"]);
    assert_eq!(of(&mut world, &[("Tag.1.Key", "team"), ("Tag.1.Value", "core")]), Vec::<String>::new());
}

#[test]
fn documents_that_cannot_be_understood_are_refused() {
    let mut world = World::new();
    let create = |document: &str, world: &mut World| {
        world.ram("CreatePolicy", &[("PolicyName", "own"), ("PolicyDocument", document)]).map(|_| ())
    };
    let fault =
        create(r#"{"Version":"1","Statement":[{"Effect":"Allow","Resource":"*"}]}"#, &mut world).unwrap_err();
    assert_eq!((&*fault.code, fault.status), ("MalformedPolicyDocument", 400));
    assert!(fault.message.contains("Action"), "{}", fault.message);
    let long = DOCUMENT.replace("ens:*", &"ens:a".repeat(2_000));
    let fault = create(&long, &mut world).unwrap_err();
    assert_eq!(&*fault.code, "InvalidParameter.PolicyDocument.Length");
    assert_eq!(fault.message, "The parameter - \"PolicyDocument\" beyond the length limit.");
    assert_eq!(create(DOCUMENT, &mut world), Ok(()));
}
