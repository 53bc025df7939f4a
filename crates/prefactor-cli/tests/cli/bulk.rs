use crate::support::{Api, masked};

const THREE: &str = r#"[
    {"_type": "agents/list", "idempotency_key": "key-0001"},
    {"_type": "agents/create", "idempotency_key": "key-0002", "details": {"name": ""}},
    {"_type": "agents/list", "idempotency_key": "key-0003"}
]"#;

#[test]
fn every_output_is_printed_in_the_order_of_the_items() {
    let api = Api::start();

    let said = api.run_with(&["bulk", "-"], THREE);

    assert_eq!(said.code, Some(1));
    insta::assert_snapshot!(masked(&said.stdout), @r"
    ITEM  TYPE           STATUS         KEY       OUTPUT
    0     agents/list    success        key-0001  1 listed
    1     agents/create  error          key-0002  The request is not valid. (validation_errors); name: can't be blank
    2     agents/list    not_processed  key-0003
    ");
    insta::assert_snapshot!(said.stderr, @r"
    error: 2 of 3 items were not done
    ");
}

#[test]
fn programs_get_a_document_per_item() {
    let api = Api::start();

    let said = api.run_with(&["bulk", "-", "--json"], THREE);

    assert_eq!(said.code, Some(1));
    assert_eq!(said.stderr, "");
    let outputs = said.json_lines();
    let told: Vec<_> = outputs.iter().map(|output| (&output["index"], &output["status"])).collect();
    assert_eq!(
        told,
        [(&0.into(), &"success".into()), (&1.into(), &"error".into()), (&2.into(), &"not_processed".into())]
    );
    assert!(outputs[0]["summaries"].is_array());
    assert_eq!(outputs[1]["idempotency_key"], "key-0002");
}

#[test]
fn a_file_is_sent_as_well() {
    let api = Api::start();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("items.jsonl");
    std::fs::write(&file, "{\"_type\": \"agents/list\"}\n{\"_type\": \"agents/list\"}\n").unwrap();

    let said = api.run(&["bulk", file.to_str().unwrap(), "--json"]);

    assert_eq!(said.output().lines().count(), 2);
}

#[test]
fn mistakes_are_named_by_index_and_nothing_is_sent() {
    let api = Api::start();

    let said = api.run_with(&["bulk", "-"], r#"[{"_type": "agents/list"}, {"type": "agents/list"}, 3]"#);

    insta::assert_snapshot!(said.error(2), @r"
    error: nothing was sent, for the input has mistakes
      items[1] has no `_type`, such as agent_spans/create
      items[2] is not a JSON object
    ");
    assert!(api.run(&["bulk", "/no/such/file"]).error(2).contains("/no/such/file can't be read"));
    assert!(api.run_with(&["bulk", "-"], "").error(2).contains("no items"));
    assert!(api.run_with(&["bulk", "-"], "{").error(2).contains("not JSON"));
    assert!(api.emulator.journal().is_empty());
}
