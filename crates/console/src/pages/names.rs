//! What things are called: names in place of ids, where they have one and it may be read.

use std::collections::HashMap;

use maud::{Markup, html};
use serde_json::Value;

use super::{activity::about, choices};
use crate::{
    api::Api,
    json::{items, text},
    view,
};

/// Names, by id.
#[derive(Default)]
pub(super) struct Names(HashMap<String, String>);

impl Names {
    /// With those of the newest groups.
    pub(super) async fn and_groups(mut self, api: &Api) -> Self {
        self.0.extend(choices::group_names(api).await);
        self
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
