//! Everything can be done without a mouse.

use crate::account::{Account, Span};
use crate::browser::Page;
use crate::webdriver::key;

const SELECTED: &str = "document.querySelector('.span[aria-selected=true] .label')?.textContent";

#[tokio::test]
async fn arrows_enter_slash_and_escape_lead_through_a_run() {
    let account = Account::start().await;
    let run = account.run("order-1").await;
    let plan = account.span(&run, Span::new("plan", None, 0, 100)).await;
    account.span(&run, Span::new("search", Some(&plan), 10, 20)).await;
    account.span(&run, Span::new("write", Some(&plan), 20, 90).status("failed")).await;
    let Some(page) = Page::open(account.emulator.url()).await else { return };
    page.sees("a.run", "order-1").await;

    page.press(&[key::DOWN, key::ENTER]).await;
    page.until_labels(&["plan", "search", "write"]).await;
    page.press(&[key::DOWN]).await;
    page.until_equal(SELECTED, "plan").await;
    page.press(&[key::LEFT]).await;
    page.until_labels(&["plan"]).await;
    page.press(&[key::RIGHT]).await;
    page.until_labels(&["plan", "search", "write"]).await;
    page.press(&[key::RIGHT, key::DOWN]).await;
    page.until_equal(SELECTED, "write").await;
    page.press(&[key::UP]).await;
    page.until_equal(SELECTED, "search").await;
    page.press(&['f']).await;
    page.until_equal(SELECTED, "write").await;

    page.press(&[key::ENTER]).await;
    page.sees("#details h2", "write").await;
    page.press(&[key::UP]).await;
    page.sees("#details h2", "search").await;
    page.press(&[key::ESCAPE]).await;
    page.until("document.querySelector('#details').hidden").await;
    page.press(&['/']).await;
    page.until("document.activeElement.matches('.toolbar input')").await;
    page.press(&['w']).await;
    page.until_labels(&["plan", "write"]).await;
    page.press(&[key::ESCAPE, key::ESCAPE]).await;
    page.until_labels(&["plan", "search", "write"]).await;
    page.press(&[key::ESCAPE]).await;

    page.sees("#run", "Runs appear here").await;
    page.press(&['/']).await;
    page.until("document.activeElement.matches('#runs input')").await;
    page.close().await;
}
