//! The list of runs: search and filters.

use serde_json::json;

use crate::account::Account;
use crate::browser::Page;

const SHOWN: &str =
    "[...document.querySelectorAll('a.run')].map((run) => run.querySelector('.name').textContent).sort()";

async fn account_with_runs() -> Account {
    let account = Account::start().await;
    let reviewer = account.account_post("/agent", json!({ "details": { "name": "Reviewer" } })).await;
    account.run("order-1").await;
    let failed = account.run("order-2").await;
    account.finish_run(&failed, "failed", 5).await;
    account.run_of(json!({ "external_identifier": "review-1", "agent_id": reviewer })).await;
    account
}

#[tokio::test]
async fn a_search_narrows_the_runs() {
    let account = account_with_runs().await;
    let Some(page) = Page::open(account.emulator.url()).await else { return };
    page.until_equal(SHOWN, ["order-1", "order-2", "review-1"].to_vec()).await;

    page.fill("#runs input", "ORDER").await;
    page.until_equal(SHOWN, ["order-1", "order-2"].to_vec()).await;
    page.fill("#runs input", "reviewer").await;
    page.until_equal(SHOWN, ["review-1"].to_vec()).await;
    page.fill("#runs input", "nothing like it").await;

    page.sees("#runs", "No run fits").await;
    page.close().await;
}

#[tokio::test]
async fn status_and_agent_narrow_the_runs() {
    let account = account_with_runs().await;
    let Some(page) = Page::open(account.emulator.url()).await else { return };

    page.click(".chip", "failed").await;
    page.until_equal(SHOWN, ["order-2"].to_vec()).await;
    page.click(".chip", "failed").await;
    page.until_equal(SHOWN, ["order-1", "order-2", "review-1"].to_vec()).await;
    page.choose("#runs select", "Reviewer").await;

    page.until_equal(SHOWN, ["review-1"].to_vec()).await;
    page.close().await;
}

#[tokio::test]
async fn thousands_of_runs_are_a_window_of_rows() {
    let account = Account::start().await;
    for number in 0..1_200 {
        account
            .post("/agent_instance/register", json!({ "external_identifier": format!("run-{number:04}") }))
            .await;
    }
    let Some(page) = Page::open(account.emulator.url()).await else { return };
    page.sees("a.run", "run-1199").await;

    page.value("document.querySelector('#runs .scroller').scrollTo(0, 1e9)").await;

    page.until("[...document.querySelectorAll('a.run')].some((run) => run.innerText.includes('run-0000'))")
        .await;
    assert!(page.value("document.querySelectorAll('a.run').length").await.as_u64() < Some(60));
    page.close().await;
}
