//! `ListEvents`.

use control::{
    Control, HistoryRecord,
    activity::{
        ActorFilter, Event, EventChange, EventFilter, EventOutcome, NamedUser, OutcomeKind, ResourceFilter,
    },
};
use model::{AccountId, EntityKey, UnixMillis};

use super::{super::who, entity, sight::Sight};
use crate::catalogue::{form::event_place, prelude::*};

/// How many events a step has where nothing is said.
const STEP: usize = 20;
/// How many changes of an event are shown where nothing is said.
const CHANGES: usize = 20;
/// The most changes that one answer may come to have.
const CHANGES_MAX: usize = 2_000;

const GROUP: &str = "sg-5vn4n3y4laeb2ii9zxxltlvzi";

pub(in super::super) static OPERATION: Operation = Operation {
    product: Product::Ravelin,
    name: "ListEvents",
    family: "activity",
    summary: "Lists who did what, when and from where, with what was before and after, the newest first; refused calls too.",
    description: "An event is a change that was made, with its `Generation`, or a call that was refused, with the `ErrorCode` that it was answered. `Changes` has what a change changed: of each thing what is different `Before` and `After`, and of lists (rules, groups, addresses) what was `Removed` and `Added`, as JSON text; of what was made or deleted all of it. Of an event that changed more than `MaxChanges` things the first are shown; `ChangeCount` counts all. A rule has its text form, too (`Text`). Nothing that is secret is in it. What a user, an access key or a policy was is shown to those who may call GetUser, ListAccessKeys or GetPolicy for it; others see that it changed, without these, and without the id of an access key, and a `ResourceId` that is one finds nothing but what they called themselves. Of refused calls those that ask for a change are kept, and those that were refused for want of permission; not those that came too soon (Throttling.User), nor those of which it is not known whether they were carried out.\n\nChanges are kept on disk, as many as the settings `history.generations_max` and `history.bytes_max` say: `OldestGeneration` is the oldest one. Refused calls are kept in memory, the newest 1,000 of each account, until the server ends; `ravelin serve --event-log` writes all of it to a file.\n\n`ActorName` is what a RAM user was called when it acted, and stays so when it gets another name or is deleted; `ActorId` is its number. `UserName` finds both. Where nobody was ever called so, in the history or now, it is the error EntityNotExist.User for those who may call GetUser for that name; for others nothing is found.\n\nWhat time alone brings about (instances that pass through their states) is listed where `ActorType` is Clock, and not otherwise. The filters hold at once. Steps of `MaxResults` events: send the `NextToken` of the answer with the same filters to go on; the last step has none. Steps neither repeat nor miss an event that stays.",
    methods: Methods::GetOrPost,
    parameters: &[
        Parameter::optional(
            "OperationName",
            Kind::text(64),
            "Calls of this operation.",
            "LeaveSecurityGroup",
        ),
        Parameter::optional("ActorType", Kind::OneOf(who::KINDS), "What such an actor did.", "User"),
        Parameter::optional(
            "UserName",
            Kind::form(1, 64, Form::USER_NAME),
            "What this RAM user did: the name that it had then, whatever it is called now, or its number, which never changes. It may be gone.",
            "alice",
        ),
        Parameter::optional(
            "ResourceId",
            Kind::Id,
            "Events about this: a security group (and who joins or leaves it), an instance (and its network interfaces), a network interface, a network, a vSwitch, a node, an access key.",
            GROUP,
        ),
        Parameter::optional("Outcome", Kind::OneOf(&["Applied", "Refused"]), "With this outcome.", "Applied"),
        Parameter::optional("BeginTime", Kind::Time, "Not before this time.", "2026-11-22T03:00:00Z"),
        Parameter::optional("EndTime", Kind::Time, "Not after this time.", "2026-11-22T04:00:00Z"),
        Parameter::optional(
            "MaxResults",
            Kind::Integer { min: 1, max: 100 },
            "How many events a step has; 20 where it is not given.",
            "20",
        ),
        Parameter::optional(
            "MaxChanges",
            Kind::Integer { min: 1, max: 2_000 },
            "How many changes are shown of each event; 20 where it is not given. Times `MaxResults` it is 2,000 at the most.",
            "20",
        ),
        Parameter::optional(
            "NextToken",
            Kind::form(1, 48, Form::EVENT_TOKEN),
            "Where to go on: the `NextToken` of the last answer.",
            "57",
        ),
    ],
    exactly_one: &[],
    answer: &[
        Field::integer("MaxResults", "20"),
        Field::text("NextToken", "57"),
        Field::integer("OldestGeneration", "8"),
        Field::text("OldestTime", "2026-11-20T03:04:05Z"),
        Field::text("Events.Event[].EventId", "57"),
        Field::text("Events.Event[].Outcome", "Applied"),
        Field::integer("Events.Event[].Generation", "57"),
        Field::text("Events.Event[].Time", "2026-11-22T03:04:05Z"),
        Field::integer("Events.Event[].UnixMilliseconds", "1795316645123"),
        Field::text("Events.Event[].OperationName", "LeaveSecurityGroup"),
        Field::text("Events.Event[].ActorType", "User"),
        Field::text("Events.Event[].ActorName", "alice"),
        Field::text("Events.Event[].ActorId", "217348422547863003"),
        Field::text("Events.Event[].RequestId", "473469C7-AA6F-4DC5-B3DB-A3DC0DE3C83E"),
        Field::text("Events.Event[].SourceIpAddress", "192.0.2.17"),
        Field::text("Events.Event[].ErrorCode", "NoPermission"),
        Field::text("Events.Event[].ErrorMessage", "Permission denied."),
        Field::text("Events.Event[].ResourceIds.ResourceId[]", GROUP),
        Field::integer("Events.Event[].ChangeCount", "1"),
        Field::text("Events.Event[].Changes.Change[].Kind", "Changed"),
        Field::text("Events.Event[].Changes.Change[].ResourceType", "NetworkInterface"),
        Field::text("Events.Event[].Changes.Change[].ResourceId", "eni-5f6533jbifugr5fo2j1wabcde"),
        Field::text("Events.Event[].Changes.Change[].ResourceName", "alice"),
        Field::text("Events.Event[].Changes.Change[].Before", r#"{"NetworkInterfaceName":"web"}"#),
        Field::text("Events.Event[].Changes.Change[].After", r#"{"NetworkInterfaceName":"old"}"#),
        Field::text(
            "Events.Event[].Changes.Change[].Removed",
            r#"{"SecurityGroupIds":["sg-5vn4n3y4laeb2ii9zxxltlvzi"]}"#,
        ),
        Field::text(
            "Events.Event[].Changes.Change[].Added",
            r#"{"SecurityGroupIds":["sg-5c8yfsl6nrgvbw2vn3bk9swka"]}"#,
        ),
    ],
    errors: &[&code::ENTITY_NOT_EXIST_USER],
    ram: Ram::all("ravelin:ListEvents", Access::List),
    handler: Handler::Survey(|call, control| Box::pin(list(call, control))),
};

async fn list(call: &Call<'_>, control: &Control) -> Result<Answer, Fault> {
    let arguments = call.arguments;
    let mut filter = filter(call)?;
    blind(&mut filter, call, control).await?;
    let most = arguments.count("MaxResults", STEP).max(1);
    let changes = arguments.count("MaxChanges", CHANGES).max(1);
    if most.saturating_mul(changes) > CHANGES_MAX {
        return Err(Fault::invalid("MaxResults times MaxChanges is 2,000 at the most"));
    }
    let before = arguments.text("NextToken").and_then(event_place);
    let page = control.events(&filter, before, most);
    if let (true, Some(user)) = (page.events.is_empty(), arguments.text("UserName")) {
        is_known(call, control, user).await?;
    }
    let generations = page.events.iter().filter(|event| event.outcome == EventOutcome::Applied);
    let generations = generations.map(|event| event.place.generation).collect();
    let account = call.account;
    let records = control.records_of(generations, move |record| Own::of(record, account, changes)).await;
    let records = records.map_err(|error| super::super::moment::fault(&error.into()))?;
    let sight = Sight::of(call, control, records.iter().flat_map(|record| &record.listed)).await?;
    let mut answer = Answer::new();
    answer.insert("MaxResults".into(), json!(most));
    if let (true, Some(last)) = (page.more, page.events.last()) {
        answer.insert("NextToken".into(), json!(event_id(last)));
    }
    if let Some((generation, at)) = page.oldest {
        answer.insert("OldestGeneration".into(), json!(generation));
        answer.insert("OldestTime".into(), json!(at.to_text()));
    }
    let record = |event: &Event| records.iter().find(|own| own.generation == event.place.generation);
    let events = page.events.iter().map(|event| shown(event, record(event), &sight));
    answer.insert("Events".into(), json!({ "Event": events.collect::<Vec<_>>() }));
    Ok(answer)
}

/// Refuses a user of whom there is nothing, neither now nor in the history. Whoever may not ask RAM for that name does not
/// hear that it is nobody's.
async fn is_known(call: &Call<'_>, control: &Control, user: &str) -> Result<(), Fault> {
    let named = NamedUser::new(user);
    let is_there = control.read_access(|access| {
        let by_id = named.id().and_then(|id| access.user(id)).filter(|own| own.account == call.account);
        by_id.or_else(|| access.user_named(call.account, user)).is_some()
    });
    let is_there = is_there.await.map_err(|_| Fault::of(&code::SERVICE_UNAVAILABLE))?.value;
    let (account, actor) = (call.account, ActorFilter::User(Some(named)));
    let (operation, resource, from, until, outcome) = (None, None, None, None, None);
    let of_user = EventFilter { account, operation, actor, resource, from, until, outcome };
    if is_there || !control.events(&of_user, None, 1).events.is_empty() {
        return Ok(());
    }
    let sight = Sight::of(call, control, std::iter::empty()).await?;
    if sight.admits_user(user) { Err(Fault::of(&code::ENTITY_NOT_EXIST_USER)) } else { Ok(()) }
}

/// Lets the filter find nothing of an access key of which the caller may not see that it is there, but the caller's own
/// calls. What the id of nothing else looks like may be that of a key.
async fn blind(filter: &mut EventFilter, call: &Call<'_>, control: &Control) -> Result<(), Fault> {
    let Some(resource) = &mut filter.resource else { return Ok(()) };
    let [EntityKey::AccessKey(id)] = &*resource.entities else { return Ok(()) };
    let sight = Sight::of(call, control, std::iter::empty()).await?;
    if !sight.admits_key(control, id).await? {
        resource.entities.clear();
        resource.refused_of = Some(call.actor);
    }
    Ok(())
}

fn filter(call: &Call<'_>) -> Result<EventFilter, Fault> {
    let arguments = call.arguments;
    let user = arguments.text("UserName").map(NamedUser::new);
    let actor = match (arguments.text("ActorType"), user) {
        (None | Some("User"), Some(user)) => ActorFilter::User(Some(user)),
        (Some(_), Some(_)) => return Err(Fault::invalid("UserName is for ActorType User alone")),
        (None, None) => ActorFilter::NotTheClock,
        (Some("Root"), None) => ActorFilter::Root,
        (Some("User"), None) => ActorFilter::User(None),
        (Some("Node"), None) => ActorFilter::Node,
        (Some("Operator"), None) => ActorFilter::Operator,
        (Some(_), None) => ActorFilter::Clock,
    };
    let outcome = arguments.text("Outcome").map(|word| match word {
        "Refused" => OutcomeKind::Refused,
        _ => OutcomeKind::Applied,
    });
    let resource = arguments.text("ResourceId");
    Ok(EventFilter {
        account: call.account,
        operation: arguments.boxed("OperationName"),
        actor,
        resource: resource.map(|id| ResourceFilter {
            entities: entity::keys(id),
            id: id.into(),
            refused_of: None,
        }),
        from: arguments.time("BeginTime"),
        // It is given in whole seconds, and that second is meant with it.
        until: arguments.time("EndTime").map(|time| UnixMillis(time.0.saturating_add(999))),
        outcome,
    })
}

/// What a change changed of an account. What it changed of others is theirs to see.
struct Own {
    generation: u64,
    count: usize,
    listed: Vec<EventChange>,
}

impl Own {
    fn of(record: HistoryRecord, account: AccountId, most: usize) -> Self {
        let mut listed = record.changes;
        listed.retain(|change| change.account() == Some(account));
        let count = listed.len();
        listed.truncate(most);
        Self { generation: record.generation, count, listed }
    }
}

/// What names an event, and says where it stands.
pub(crate) fn event_id(event: &Event) -> String {
    match event.place.refusal {
        0 => event.place.generation.to_string(),
        refusal => format!("{}.{refusal}", event.place.generation),
    }
}

fn shown(event: &Event, record: Option<&Own>, sight: &Sight<'_>) -> Value {
    let mut shown = Answer::new();
    who::put(&mut shown, event);
    let mut put = |name: &str, value: Value| shown.insert(name.into(), value);
    put("EventId", json!(event_id(event)));
    put("UnixMilliseconds", json!(event.at.0));
    match &event.outcome {
        EventOutcome::Applied => put("Outcome", json!("Applied")),
        EventOutcome::Refused { code, message } => {
            put("Outcome", json!("Refused"));
            put("ErrorCode", json!(code));
            put("ErrorMessage", json!(message));
            put("ResourceIds", json!({ "ResourceId": event.about }))
        }
    };
    if event.outcome != EventOutcome::Applied {
        // It made none: the number is that of the change before it, and in its id.
        shown.remove("Generation");
    } else if let Some(record) = record {
        let listed: Vec<Value> = record.listed.iter().map(|own| change(own, sight)).collect();
        shown.insert("ChangeCount".into(), json!(record.count));
        shown.insert("Changes".into(), json!({ "Change": listed }));
    }
    Value::Object(shown)
}

/// What is different of one thing, as JSON text; without it, and without an access key's id, where RAM would not tell.
fn change(own: &EventChange, sight: &Sight<'_>) -> Value {
    let mut shown = Answer::new();
    let mut put = |name: &str, value: Value| shown.insert(name.into(), value);
    put("Kind", json!(kind(own)));
    let is_admitted = sight.admits(own);
    if let Some(key) = own.key() {
        let (kind, id) = entity::name(&key);
        put("ResourceType", json!(kind));
        if is_admitted || !matches!(key, EntityKey::AccessKey(_)) {
            put("ResourceId", json!(id));
        }
    }
    if !is_admitted {
        return Value::Object(shown);
    }
    if let Some(name) = entity::user_name(own) {
        put("ResourceName", json!(name));
    }
    for (name, part) in entity::Difference::of(own).parts() {
        put(name, json!(part.to_string()));
    }
    Value::Object(shown)
}

/// What became of a thing.
pub(crate) fn kind(own: &EventChange) -> &'static str {
    match (&own.before, &own.after) {
        (None, _) => "Created",
        (Some(_), None) => "Deleted",
        (Some(_), Some(_)) => "Changed",
    }
}
