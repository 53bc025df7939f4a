//! The page follows what happens, without being reloaded.

use prefactor_emulator::Emulator;
use serde_json::json;

use crate::account::{Account, Span};
use crate::browser::Page;

#[tokio::test]
async fn an_empty_emulator_says_how_to_fill_it() {
    let account = Account::start().await;
    let Some(page) = Page::open(account.emulator.url()).await else { return };

    page.sees("#runs", "No runs yet").await;
    page.sees("#run", account.emulator.url()).await;
    page.sees("#live", "live").await;
    page.close().await;
}

#[tokio::test]
async fn runs_and_spans_appear_while_they_happen() {
    let account = Account::start().await;
    let Some(page) = Page::open(account.emulator.url()).await else { return };
    page.sees("#live", "live").await;

    let run = account.run("order-1").await;
    page.click("a.run", "order-1").await;
    page.sees("#run", "No spans yet").await;
    let root = account.span(&run, Span::new("plan", None, 0, 0).status("active")).await;
    page.until_labels(&["plan"]).await;
    account.span(&run, Span::new("search", Some(&root), 10, 30)).await;
    page.until_labels(&["plan", "search"]).await;
    page.until_equal("document.querySelector('.span').dataset.status", "active").await;
    account.finish_span(&root, "failed", json!({}), 250).await;
    page.until_equal("document.querySelector('.span').dataset.status", "failed").await;
    page.sees(".span .time", "250 ms").await;
    account.finish_run(&run, "failed", 300).await;

    page.sees(".run-head .pill", "failed").await;
    page.sees(".run-head .facts", "300 ms").await;
    page.sees("a.run", "1 failed of 2 spans").await;
    page.sees("#totals", "1 run · 2 spans").await;
    page.close().await;
}

#[tokio::test]
async fn an_open_span_shows_its_result_when_it_comes() {
    let account = Account::start().await;
    let run = account.run("order-1").await;
    let span = account.span(&run, Span::new("llm", None, 0, 0).status("active")).await;
    let url = format!("{}/#/runs/{run}/spans/{span}", account.emulator.url());
    let Some(page) = Page::open(&url).await else { return };
    page.sees("#details", "Payload").await;
    assert_eq!(page.value("document.querySelector('#details').innerText.includes('Result')").await, false);

    account.finish_span(&span, "complete", json!({ "answer": "42 it is" }), 40).await;

    page.sees("#details", "42 it is").await;
    page.close().await;
}

#[tokio::test]
async fn a_page_that_outlives_its_emulator_shows_the_next_one() {
    let account = Account::start().await;
    account.run("before").await;
    let address = account.emulator.address();
    let Some(page) = Page::open(account.emulator.url()).await else { return };
    page.sees("a.run", "before").await;

    account.emulator.shutdown().await;
    page.sees("#live", "reconnecting").await;
    let next = Emulator::builder().listen(address.to_string()).start().await.expect("the same port");
    let next = Account::of(next);
    next.run("after").await;

    page.sees("a.run", "after").await;
    page.sees("#totals", "1 run").await;
    page.sees("#live", "live").await;
    drop(page);
}
