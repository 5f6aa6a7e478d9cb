//! `ListNetworks`.

use std::{cell::RefCell, sync::Arc};

use model::network::Network;

use super::{
    super::{
        ens::describe_networks as described,
        filter::REGION,
        page::{PAGE_NUMBER, PAGE_SIZE, Page},
        search::{Scratch, Wanted},
    },
    parameters::SEARCH_KEY,
};
use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ravelin,
    name: "ListNetworks",
    family: "search",
    summary: "Lists the networks in whose name or id a text occurs, or at an edge site, the newest first.",
    description: "Filters hold all at once. The fields are those of DescribeNetworks of Edge Node Service, whose filters want whole names and ids.",
    methods: Methods::GetOrPost,
    parameters: &[SEARCH_KEY, REGION, PAGE_NUMBER, PAGE_SIZE],
    exactly_one: &[],
    answer: described::ANSWER,
    errors: &[],
    ram: Ram::all("ravelin:ListNetworks", Access::List),
    handler: Handler::Query(query),
};

fn query(call: &Call<'_>, state: &State) -> Result<Answer, Fault> {
    let arguments = call.arguments;
    let (wanted, region) = (arguments.text(SEARCH_KEY.name).map(Wanted::of), arguments.text(REGION.name));
    let networks = state.networks();
    let scratch = RefCell::new(Scratch::default());
    let is_found = |network: &Network| {
        let scratch = &mut scratch.borrow_mut();
        wanted.as_ref().is_none_or(|own| own.finds(&network.name, network.id, scratch))
    };
    let has = |network: &&Arc<Network>| {
        region.is_none_or(|region| region == network.region.as_str()) && is_found(network)
    };
    let (all, page) = (networks.newest_first(call.account), Page::of(arguments, 10));
    let (mut answer, entries) = if wanted.is_none() && region.is_none() {
        page.cut_counted(all, networks.count(call.account))
    } else {
        page.cut(all.filter(has))
    };
    described::put(&mut answer, state, entries);
    Ok(answer)
}
