//! An operator ends a run from the page.

use prefactor_emulator::InstanceStatus;

use crate::account::{Account, Span};
use crate::browser::Page;
use crate::webdriver::key;

#[tokio::test]
async fn a_run_is_terminated_with_a_reason() {
    let account = Account::start().await;
    let run = account.run("order-1").await;
    account.span(&run, Span::new("llm", None, 0, 10)).await;
    let Some(page) = Page::open(&format!("{}/#/runs/{run}", account.emulator.url())).await else { return };

    page.click(".run-head button", "Terminate").await;
    page.fill("dialog input", "   ").await;
    page.click("dialog button", "Terminate").await;
    page.sees("dialog .error", "Say why").await;
    assert_eq!(account.emulator.instance(&run).unwrap().status, InstanceStatus::Active);
    page.fill("dialog input", "it runs in circles").await;
    page.press(&[key::ENTER]).await;

    page.sees(".run-head .reason", "it runs in circles").await;
    page.sees(".run-head .pill", "terminated").await;
    page.until("!document.querySelector('dialog').open && !document.querySelector('.run-head .danger')")
        .await;
    let ended = account.emulator.instance(&run).unwrap();
    assert_eq!(ended.status, InstanceStatus::Terminated);
    assert_eq!(ended.termination_reason.as_deref(), Some("it runs in circles"));
    page.close().await;
}

#[tokio::test]
async fn a_termination_can_be_thought_better_of() {
    let account = Account::start().await;
    let run = account.run("order-1").await;
    let Some(page) = Page::open(&format!("{}/#/runs/{run}", account.emulator.url())).await else { return };

    page.click(".run-head button", "Terminate").await;
    page.until("document.querySelector('dialog').open").await;
    page.press(&[key::ESCAPE]).await;

    page.until("!document.querySelector('dialog').open").await;
    page.sees("#run", "No spans yet").await;
    assert_eq!(account.emulator.instance(&run).unwrap().status, InstanceStatus::Active);
    page.close().await;
}
