//! A run of ten thousand spans is as quick as a small one.

use std::time::Instant;

use crate::account::Account;
use crate::browser::Page;
use crate::webdriver::key;

#[tokio::test]
async fn a_run_of_ten_thousand_spans_is_a_window_of_rows() {
    let account = Account::start().await;
    let run = account.run("huge").await;
    account.many_spans(&run, 10_000).await;
    let Some(page) = Page::open(account.emulator.url()).await else { return };
    page.sees("a.run", "10,000 spans").await;

    let start = Instant::now();
    page.click("a.run", "huge").await;
    page.sees(".waterfall .head", "10,000 spans").await;
    page.sees(".span", "root").await;
    println!("10,000 spans opened in {:?}", start.elapsed());

    let rows = async || page.value("document.querySelectorAll('.span').length").await.as_u64().unwrap();
    assert!(rows().await < 100, "{}", rows().await);
    page.value("document.querySelector('.waterfall .scroller').scrollTo(0, 1e9)").await;
    page.until("[...document.querySelectorAll('.span')].some((row) => row.innerText.includes('step-9999'))")
        .await;
    assert!(rows().await < 100, "{}", rows().await);
    page.fill(".toolbar input", "step-7777").await;
    page.until_labels(&["root", "step-7777"]).await;
    page.press(&[key::DOWN, key::DOWN, key::DOWN]).await;
    page.until_equal("document.querySelector('.span[aria-selected=true] .label')?.textContent", "step-7777")
        .await;
    page.close().await;
}

#[tokio::test]
async fn a_run_that_comes_in_many_parts_is_shown_whole() {
    let account = Account::start().await;
    let run = account.run("endless").await;
    account.many_spans(&run, 50_000).await;
    let Some(page) = Page::open(account.emulator.url()).await else { return };
    page.sees("a.run", "50,000 spans").await;

    page.click("a.run", "endless").await;

    page.sees(".waterfall .head", "50,000 spans").await;
    page.value("document.querySelector('.waterfall .scroller').scrollTo(0, 1e9)").await;
    page.until("[...document.querySelectorAll('.span')].some((row) => row.innerText.includes('step-49999'))")
        .await;
    page.close().await;
}
