//! A span's payload and result: readable, and never more than text.

use serde_json::json;

use crate::account::{Account, Span};
use crate::browser::Page;

#[tokio::test]
async fn markup_in_a_payload_is_shown_and_never_run() {
    let attack = "<script>window.hacked = true</script><img src=x onerror=\"window.hacked = true\">";
    let account = Account::start().await;
    let agent = account.account_post("/agent", json!({ "details": { "name": attack } })).await;
    let run = account.run_of(json!({
        "agent_id": agent,
        "external_identifier": attack,
        "agent_version": { "name": attack },
        "agent_schema_version": { "span_type_schemas": [{ "name": "llm", "params_schema": {}, "title": attack }] },
    })).await;
    let quality = json!({ "name": attack, "payload": { "score": attack, attack: attack } });
    account.post(&format!("/agent_instance/{run}/record_quality"), quality).await;
    let payload = json!({ "text": attack, attack: [attack], "long": format!("{attack}\n").repeat(60) });
    let span = account.span(&run, Span::new("llm", None, 0, 0).payload(payload).status("active")).await;
    account.finish_span(&span, "failed", json!({ "error": attack }), 10).await;
    account.emulator.terminate(&run, attack).unwrap();
    let url = format!("{}/#/runs/{run}/spans/{span}", account.emulator.url());
    let Some(page) = Page::open(&url).await else { return };

    page.sees("#details", attack).await;
    page.click("#details .more", "Show all").await;
    page.sees("#details", "Show less").await;
    page.sees(".run-head .reason", attack).await;
    page.sees("a.run", attack).await;
    page.click(".run-head button", "About").await;
    page.sees("#details", "Quality").await;

    assert_eq!(page.value("window.hacked === undefined").await, true);
    assert_eq!(page.value("document.querySelectorAll('#panes script, #panes img').length").await, 0);
    page.close().await;
}

#[tokio::test]
async fn payloads_are_readable_and_secrets_hidden() {
    let account = Account::start().await;
    let run = account.run("order-1").await;
    let payload = json!({
        "model": "large",
        "count": 9_007_199_254_740_993_u64,
        "is_cached": false,
        "nothing": null,
        "text": format!("start\n{}end", "a line of a long text\n".repeat(100)),
        "nested": { "a": { "b": { "c": { "d": "deep" } } } },
        "many": (0..250).collect::<Vec<_>>(),
        "user": { "$sensitive": "string", "value": "ada@example.org", "labels": ["personal"] },
    });
    let span = account.span(&run, Span::new("llm", None, 0, 1_500).payload(payload)).await;
    let url = format!("{}/#/runs/{run}/spans/{span}", account.emulator.url());
    let Some(page) = Page::open(&url).await else { return };
    let shows = async |text: &str| {
        page.value(&format!("document.querySelector('#details').innerText.includes({})", json!(text))).await
    };

    page.sees("#details", "string hidden · personal").await;
    assert_eq!(shows("ada@example.org").await, false);
    assert_eq!(shows("9007199254740993").await, true);
    assert_eq!(shows("1.50 s").await, true);
    assert_eq!(shows("end").await, false);
    page.click("#details .more", "Show all").await;
    page.sees("#details .text", "end").await;
    let items = "document.querySelectorAll('#details .index').length";
    page.click("#details summary", "250 items").await;
    page.until_equal(items, 100).await;
    page.click("#details .more", "150 more").await;
    page.until_equal(items, 200).await;
    page.close().await;
}

#[tokio::test]
async fn a_run_tells_what_it_is_and_how_good_it_was() {
    let account = Account::start().await;
    let run = account.run_of(json!({ "agent_version": { "name": "v7.3" }, "purpose": "eval" })).await;
    let quality = json!({ "name": "helpfulness", "payload": { "score": 0.93, "judge": "rubric" } });
    account.post(&format!("/agent_instance/{run}/record_quality"), quality).await;
    account.span(&run, Span::new("llm", None, 0, 10)).await;
    let Some(page) = Page::open(&format!("{}/#/runs/{run}", account.emulator.url())).await else { return };

    page.sees(".run-head", "v7.3").await;
    page.click(".qualities button", "helpfulness 0.93").await;

    page.sees("#details", "rubric").await;
    page.sees("#details", "eval").await;
    page.sees("#details", &run).await;
    page.close().await;
}

#[tokio::test]
async fn an_address_of_nothing_says_so() {
    let account = Account::start().await;
    let url = format!("{}/#/runs/01m86d8dwd002byhj3pxjnngrc3ttq45", account.emulator.url());
    let Some(page) = Page::open(&url).await else { return };

    page.sees("#run", "There is no such run").await;
    drop(page);
}
