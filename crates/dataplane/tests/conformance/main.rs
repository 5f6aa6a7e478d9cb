//! What every dataplane does, whatever is behind it: eBPF by tcx, eBPF by clsact, and the one in memory.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "helpers of tests")]

#[path = "../support/mod.rs"]
mod support;

mod bindings;
mod classes;
mod flows;
mod reading;
mod subject;

/// Runs each test against each dataplane, in a thread and network namespace of its own.
macro_rules! conformance {
    ($($module:ident::$test:ident;)*) => {
        mod tcx {
            $(#[test] fn $test() { crate::subject::with_kernel(dataplane::Attach::Tcx, crate::$module::$test); })*
        }
        mod clsact {
            $(#[test] fn $test() { crate::subject::with_kernel(dataplane::Attach::Clsact, crate::$module::$test); })*
        }
        mod simulated {
            $(#[test] fn $test() { crate::$module::$test(&mut crate::subject::Simulated::default()); })*
        }
    };
}

conformance! {
    bindings::a_binding_is_closed_until_it_has_a_class_with_a_plan;
    bindings::a_device_that_nobody_bound_is_closed_while_it_is_guarded;
    bindings::a_binding_is_what_it_was_configured_to_be;
    bindings::an_address_that_is_taken_away_is_not_its_own_any_more;
    bindings::what_cannot_be_bound_is_refused;
    bindings::an_interface_without_addresses_has_its_link_local_one_alone;
    bindings::interfaces_with_one_mac_are_two;
    bindings::adoption_may_last_for_ever;
    bindings::a_device_made_anew_has_no_rights_of_the_old_one;
    bindings::numbers_of_bindings_are_never_used_again;
    classes::what_a_switch_revokes_is_cut_until_a_switch_permits_it;
    classes::a_switch_is_read_back_with_its_generation_and_digest;
    classes::a_class_in_use_is_not_removed;
    classes::a_generation_is_kept_as_it_is_given;
    classes::an_interface_changes_its_class;
    classes::stamps_are_never_used_again;
    flows::flows_are_listed_with_rule_and_packets;
    flows::an_interface_has_its_share_of_flows_and_no_more;
    flows::a_reply_after_a_switch_keeps_its_flow;
    flows::tcp_begins_with_syn_unless_it_is_adopted;
    flows::adoption_ends_when_it_was_said_to_at_the_latest;
    flows::a_syn_over_a_flow_is_judged_as_what_it_would_begin;
    flows::flows_end_with_their_binding;
    flows::flows_are_read_beside_the_dataplane;
    reading::drops_are_counted_by_reason;
    reading::rule_counts_go_on_while_the_rule_is_the_same;
    reading::events_tell_about_dropped_packets;
    reading::an_audit_finds_each_difference;
    reading::everything_is_found_again_after_a_kill;
}
