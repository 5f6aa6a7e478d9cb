//! What things are called: names in place of ids, where they have one and it may be read.

use std::collections::{BTreeSet, HashMap};

use maud::{Markup, html};
use serde_json::Value;

use super::activity::about;
use crate::{
    api::Api,
    json::{items, text, texts},
    view,
};

/// The most groups whose names are looked up for a page: each is a call of whoever looks. Others stand by their ids.
const GROUPS_MAX: usize = 50;

/// Names, by id. Of what was looked up and has none, or may not be read, it is empty.
#[derive(Default)]
pub(super) struct Names(HashMap<String, String>);

impl Names {
    /// With those of the groups that these interfaces are in.
    pub(super) async fn and_groups_of(mut self, api: &Api, interfaces: &[Value]) -> Self {
        let groups = |interface| texts(interface, "SecurityGroupIds.SecurityGroup");
        self.learn_groups(api, interfaces.iter().flat_map(groups)).await;
        self
    }

    /// Looks up the names of those groups that were not looked up before. A group is asked for by itself: lists of groups
    /// have all members of each.
    pub(super) async fn learn_groups(&mut self, api: &Api, ids: impl Iterator<Item = &str>) {
        let unknown: BTreeSet<&str> = ids.filter(|id| !id.is_empty() && !self.0.contains_key(*id)).collect();
        for id in unknown.into_iter().take(GROUPS_MAX) {
            let found = api.glance("DescribeSecurityGroupAttribute", &[("SecurityGroupId", id)]).await;
            if let Some(found) = &found {
                self.0.insert(id.to_owned(), text(found, "SecurityGroupName").to_owned());
            }
        }
    }

    /// With those of the instances whose interfaces these are.
    pub(super) async fn and_instances_of(self, api: &Api, interfaces: &[Value]) -> Self {
        self.and_instances(api, interfaces.iter().map(|interface| text(interface, "InstanceId"))).await
    }

    /// With those of these instances.
    pub(super) async fn and_instances(mut self, api: &Api, ids: impl Iterator<Item = &str>) -> Self {
        let mut ids: Vec<&str> = ids.filter(|id| !id.is_empty()).collect();
        ids.sort_unstable();
        ids.dedup();
        if ids.is_empty() {
            return self;
        }
        let list = Value::from(ids).to_string();
        let answer = api.glance("DescribeInstances", &[("InstanceIds", &list), ("PageSize", "100")]).await;
        let answer = answer.unwrap_or_default();
        let named = items(&answer, "Instances.Instance").iter();
        self.0.extend(
            named.map(|own| (text(own, "InstanceId").to_owned(), text(own, "InstanceName").to_owned())),
        );
        self
    }

    /// The name of what has this id; empty where it has none or it is not known.
    pub(super) fn name(&self, id: &str) -> &str {
        self.0.get(id).map_or("", String::as_str)
    }

    /// The name, or else the id.
    pub(super) fn called<'n>(&'n self, id: &'n str) -> &'n str {
        match self.name(id) {
            "" => id,
            name => name,
        }
    }

    /// A link to what has this id, by its name.
    pub(super) fn link(&self, id: &str) -> Markup {
        match (self.name(id), view::address_of_id(id)) {
            ("", _) | (_, None) => about(id),
            (name, Some(address)) => html! { a href=(address) { (name) } },
        }
    }
}
