//! The rules, one file each; rows that one check finds together stand together by their group.

mod action_config;
mod action_depends_on;
mod action_duplicate_id;
mod action_duration;
mod action_unreachable;
mod component_config;
mod component_depends_on;
mod document;
mod environment_defaults;
mod environment_variable;
mod fields;
mod form;
mod id_case_collision;
mod id_duplicate;
mod item_blast_radius;
mod item_breaking_change;
mod item_deprecated;
mod item_outputs;
mod item_version_lowered;
mod item_version_not_raised;
mod item_visibility;
mod operation_state;
mod output_not_shared;
mod output_unused;
mod reference_cycle;
mod reference_replacement;
mod reference_unknown_bundle;
mod reference_unknown_component;
mod reference_unknown_environment;
mod reference_unknown_item;
mod reference_unknown_output;
mod reference_unknown_service;
mod reference_unknown_team;
mod schema;
mod service_state;
mod settings_guard;
mod settings_rule;
mod source;
mod team_quota;
mod template_literal;
mod template_syntax;
mod template_unknown_variable;
mod version_left_behind;
mod version_requirement;
mod window_cron;
mod window_time_zone;
mod yaml;

use super::registry::Rule;

/// Returns all rules.
pub(super) fn all() -> impl Iterator<Item = &'static Rule> {
    let alone = [
        &action_config::RULE,
        &action_depends_on::RULE,
        &action_duplicate_id::RULE,
        &action_duration::RULE,
        &action_unreachable::RULE,
        &component_config::RULE,
        &component_depends_on::RULE,
        &environment_defaults::RULE,
        &environment_variable::RULE,
        &id_case_collision::RULE,
        &id_duplicate::RULE,
        &item_blast_radius::RULE,
        &item_breaking_change::RULE,
        &item_deprecated::RULE,
        &item_outputs::RULE,
        &item_version_lowered::RULE,
        &item_version_not_raised::RULE,
        &item_visibility::RULE,
        &operation_state::RULE,
        &output_not_shared::RULE,
        &output_unused::RULE,
        &reference_cycle::RULE,
        &reference_replacement::RULE,
        &reference_unknown_bundle::RULE,
        &reference_unknown_component::RULE,
        &reference_unknown_environment::RULE,
        &reference_unknown_item::RULE,
        &reference_unknown_output::RULE,
        &reference_unknown_service::RULE,
        &reference_unknown_team::RULE,
        &service_state::RULE,
        &settings_guard::RULE,
        &settings_rule::RULE,
        &team_quota::RULE,
        &template_literal::RULE,
        &template_syntax::RULE,
        &template_unknown_variable::RULE,
        &version_left_behind::RULE,
        &version_requirement::RULE,
        &window_cron::RULE,
        &window_time_zone::RULE,
    ];
    let together = [
        &document::RULES[..],
        &fields::RULES[..],
        &form::RULES[..],
        &schema::RULES[..],
        &source::RULES[..],
        &yaml::RULES[..],
    ];
    alone.into_iter().chain(together.into_iter().flatten())
}
