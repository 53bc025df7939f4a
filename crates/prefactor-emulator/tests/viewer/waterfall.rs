//! A run as a tree with bars: folding, searching, zooming, the critical path.

use crate::account::{Account, Span};
use crate::browser::Page;

/// plan > (search > fetch, write), fetch failed.
async fn page_with_tree() -> Option<(Account, Page)> {
    let account = Account::start().await;
    let run = account.run("order-1").await;
    let plan = account.span(&run, Span::new("plan", None, 0, 1_000)).await;
    let search = account.span(&run, Span::new("search", Some(&plan), 100, 400)).await;
    account.span(&run, Span::new("fetch", Some(&search), 150, 350).status("failed")).await;
    account.span(&run, Span::new("write", Some(&plan), 400, 1_000)).await;
    account.finish_run(&run, "complete", 1_000).await;
    let page = Page::open(&format!("{}/#/runs/{run}", account.emulator.url())).await?;
    page.until_labels(&["plan", "search", "fetch", "write"]).await;
    Some((account, page))
}

#[tokio::test]
async fn parts_of_the_tree_fold_and_unfold() {
    let Some((_account, page)) = page_with_tree().await else { return };

    page.value("document.querySelectorAll('.span .fold')[1].click()").await;
    page.until_labels(&["plan", "search", "write"]).await;
    page.until_equal("document.querySelectorAll('.span')[1].getAttribute('aria-expanded')", "false").await;
    page.click(".toolbar button", "Fold").await;
    page.until_labels(&["plan"]).await;
    page.click(".toolbar button", "Unfold").await;

    page.until_labels(&["plan", "search", "fetch", "write"]).await;
    page.close().await;
}

#[tokio::test]
async fn a_search_keeps_what_fits_and_what_leads_there() {
    let Some((_account, page)) = page_with_tree().await else { return };

    page.fill(".toolbar input", "FETCH").await;
    page.until_labels(&["plan", "search", "fetch"]).await;
    page.fill(".toolbar input", "failed").await;
    page.until_labels(&["plan", "search", "fetch"]).await;
    page.fill(".toolbar input", "nothing like it").await;
    page.until_labels(&[]).await;
    page.fill(".toolbar input", " ").await;

    page.until_labels(&["plan", "search", "fetch", "write"]).await;
    page.close().await;
}

#[tokio::test]
async fn bars_stand_where_their_time_is() {
    let Some((_account, page)) = page_with_tree().await else { return };
    let bar = |row: usize| format!("document.querySelectorAll('.span')[{row}].querySelector('.bar').style");

    page.until_equal(&format!("parseFloat({}.left)", bar(1)), 10).await;
    page.until_equal(&format!("parseFloat({}.width)", bar(1)), 30).await;
    // Twice as near, about the middle: from 250 ms to 750 ms.
    page.click(".toolbar button", "+").await;
    page.until_equal(&format!("parseFloat({}.width)", bar(1)), 30).await;
    page.until_equal(&format!("parseFloat({}.left)", bar(3)), 30).await;
    page.click(".toolbar button", "Fit").await;

    page.until_equal(&format!("parseFloat({}.left)", bar(3)), 40).await;
    page.close().await;
}

#[tokio::test]
async fn the_critical_path_is_what_made_the_run_so_long() {
    let Some((_account, page)) = page_with_tree().await else { return };

    page.click(".toolbar button", "Critical path").await;
    page.until("document.querySelector('.waterfall.shows-path .critical')").await;
    // Two at once: the one that ended last is on the path, what ran beside it is not.
    let path = page
        .promised(
            "const { SpanTree } = await import('/__viewer/assets/tree.js');
             const { criticalPath } = await import('/__viewer/assets/critical.js');
             const tree = new SpanTree();
             tree.apply([
               ['r', null, 'root', 'complete', 0, 100],
               ['a', 'r', 'short', 'complete', 10, 50],
               ['b', 'r', 'long', 'complete', 12, 60],
               ['c', 'r', 'last', 'complete', 70, 120],
               ['n', 'r', 'never', 'cancelled', null, 90],
             ]);
             return [...criticalPath(tree.roots, 0)].map(([span, parts]) => [span.id, parts.sort((a, b) => a[0] - b[0])]);",
        )
        .await;

    let expected = serde_json::json!([["r", [[0, 12], [60, 70]]], ["b", [[12, 60]]], ["c", [[70, 100]]],]);
    assert_eq!(path, expected);
    page.close().await;
}
