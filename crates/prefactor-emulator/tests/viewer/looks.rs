//! Light and dark, wide and narrow.

use serde_json::json;

use crate::account::{Account, Span};
use crate::browser::Page;

const BACKGROUND: &str = "getComputedStyle(document.body).backgroundColor";

#[tokio::test]
async fn the_chosen_theme_is_kept() {
    let account = Account::start().await;
    let Some(page) = Page::open(account.emulator.url()).await else { return };
    let system = |dark: bool| {
        let value = if dark { "dark" } else { "light" };
        json!({ "features": [{ "name": "prefers-color-scheme", "value": value }] })
    };
    page.chromium("Emulation.setEmulatedMedia", system(false)).await;
    let light = page.value(BACKGROUND).await;
    page.chromium("Emulation.setEmulatedMedia", system(true)).await;
    page.until(&format!("{BACKGROUND} !== {light}")).await;

    page.value("document.querySelector('#theme').click()").await;
    page.until_equal(BACKGROUND, light.clone()).await;
    page.reload().await;

    page.until_equal(BACKGROUND, light).await;
    page.close().await;
}

#[tokio::test]
async fn a_phone_shows_one_thing_at_a_time_and_nothing_sticks_out() {
    let account = Account::start().await;
    let run = account.run("order-1").await;
    let words = format!("{} {}", "a long line of words ".repeat(30), "x".repeat(300));
    let llm = Span::new("a-span-with-quite-a-long-name-for-a-phone", None, 0, 10);
    account.span(&run, llm.payload(json!({ "text": words }))).await;
    let Some(page) = Page::open(account.emulator.url()).await else { return };
    let phone = json!({ "width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": true });
    page.chromium("Emulation.setDeviceMetricsOverride", phone).await;
    let sticks_out = "[...document.querySelectorAll('body, #runs, #run, #details')]\
        .some((part) => part.checkVisibility() && (part.scrollWidth > 390 || part.getBoundingClientRect().right > 391))";
    let only = |shown: &str| {
        format!(
            "['runs', 'run', 'details'].filter((id) => document.getElementById(id).checkVisibility()).join() === '{shown}'"
        )
    };

    page.until(&only("runs")).await;
    assert_eq!(page.value(sticks_out).await, false);
    page.click("a.run", "order-1").await;
    page.until(&only("run")).await;
    page.click(".span", "a-span").await;
    page.until(&only("details")).await;
    page.sees("#details", "a long line").await;
    assert_eq!(page.value(sticks_out).await, false);
    page.click("#details .close", "").await;
    page.until(&only("run")).await;
    assert_eq!(page.value(sticks_out).await, false);
    page.click(".back", "").await;

    page.until(&only("runs")).await;
    page.close().await;
}
