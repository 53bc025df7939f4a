use crate::support::{Api, masked};

#[test]
fn an_agent_is_created_changed_and_removed() {
    let api = Api::start();

    let id = api.done(&["agents", "create", "Research", "--external-identifier", "research", "--ids"]);
    let changed = api.run(&["agents", "update", &id, "--description", "reads papers", "--json"]).json();
    assert_eq!(changed["name"], "Research");
    assert_eq!(changed["description"], "reads papers");
    assert_eq!(api.run(&["agents", "retire", &id, "--json"]).json()["status"], "retired");
    assert_ne!(api.run(&["agents", "reinstate", &id, "--json"]).json()["status"], "retired");
    assert_eq!(api.done(&["agents", "delete", &id]), "");

    assert!(api.run(&["agents", "show", &id]).error(4).contains("not_found"));
}

#[test]
fn an_agent_is_shown_by_its_id_or_by_the_callers_name() {
    let api = Api::start();
    let id = api.done(&["agents", "create", "Research", "--external-identifier", "research", "--ids"]);

    let by_id = api.done(&["agents", "show", &id]);
    let by_name = api.done(&["agents", "show", "--external-identifier", "research", "--counts"]);

    assert_eq!(by_id, by_name);
    insta::assert_snapshot!(masked(&by_id), @r"
    id                   <id>----------------------------
    name                 Research
    status               pending
    description          -
    external identifier  research
    created              <time>
    runs                 0
    can                  update, retire, delete
    ");
}

#[test]
fn agents_are_listed_for_people_and_for_programs() {
    let api = Api::start();
    api.done(&["agents", "create", "Recherche-Agent Zürich", "--external-identifier", "research"]);

    insta::assert_snapshot!(masked(&api.done(&["agents", "list"])), @r"
    ID                                STATUS   EXTERNAL IDENTIFIER  NAME
    <id>----------------------------  pending  default-agent        Default agent
    <id>----------------------------  pending  research             Recherche-Agent Zürich
    ");
    let listed = api.run(&["agents", "list", "--json"]);
    assert_eq!(listed.output().lines().count(), 2);
    assert_eq!(listed.json_lines()[1]["external_identifier"], "research");
    assert_eq!(api.done(&["agents", "list", "--ids", "--limit", "1"]), api.emulator.agent_id().to_string());
}

#[test]
fn the_same_key_creates_one_agent() {
    let api = Api::start();
    let create = ["agents", "create", "Research", "--idempotency-key", "create-research", "--ids"];

    assert_eq!(api.done(&create), api.done(&create));
    assert_eq!(api.emulator.agents().len(), 2);
}

#[test]
fn what_the_api_refuses_is_told_field_by_field() {
    let api = Api::start();
    api.done(&["agents", "create", "Research", "--external-identifier", "research"]);

    let taken = api.run(&["agents", "create", "Research", "--external-identifier", "research"]);
    let nameless = api.run(&["agents", "create", ""]);

    insta::assert_snapshot!(taken.error(5), @r"
    error: There is an agent of this id or external_identifier already. (conflict, status 409)
    ");
    insta::assert_snapshot!(nameless.error(5), @r"
    error: The request is not valid. (validation_errors, status 422)
      name: can't be blank
    ");
}

#[test]
fn an_update_without_a_change_is_a_wrong_argument() {
    let api = Api::start();

    assert!(api.run(&["agents", "update", "some-id"]).error(2).contains("--description <TEXT>"));
    assert!(api.run(&["agents", "show"]).error(2).contains("required"));
    assert!(api.emulator.journal().is_empty());
}
