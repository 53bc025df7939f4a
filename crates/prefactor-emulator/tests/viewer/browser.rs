//! A browser of its own for each test, with the viewer open in it.

use std::fmt;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::account::LIMIT;
use crate::webdriver::{Driver, Session};

/// How often a condition is looked at.
const POLL: Duration = Duration::from_millis(20);

/// Browsers are big: a few at once, however many tests run.
static BROWSERS: Semaphore = Semaphore::const_new(2);

/// The labels of the waterfall's rows as they are seen, for elements are used again for other rows.
const LABELS: &str = "[...document.querySelectorAll('.span')]\
    .sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top)\
    .map((row) => row.querySelector('.label').textContent)";

/// The order of the fields is that of their end: the browser, its driver, the browser's files.
pub(crate) struct Page {
    session: Session,
    _driver: Driver,
    _profile: TempDir,
    _turn: SemaphorePermit<'static>,
}

impl Page {
    /// Opens an address; nothing, and a word about it, when there is no browser on this machine.
    #[expect(clippy::print_stdout, reason = "whoever runs the tests must know what was not tested")]
    pub(crate) async fn open(url: &str) -> Option<Self> {
        let turn = BROWSERS.acquire().await.expect("it is never closed");
        let Some(driver) = Driver::start() else {
            println!("skipped: there is no chromedriver (apt-get install chromium chromium-driver)");
            return None;
        };
        let profile = TempDir::new().expect("a folder");
        let folder = format!("--user-data-dir={}", profile.path().display());
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=1400,900",
            &folder,
        ];
        let session = Session::start(&driver, &arguments).await;
        session.go(url).await;
        Some(Self { session, _driver: driver, _profile: profile, _turn: turn })
    }

    pub(crate) async fn reload(&self) {
        self.session.refresh().await;
    }

    /// The value of a JavaScript expression.
    pub(crate) async fn value(&self, expression: &str) -> Value {
        self.session.execute(&format!("return {expression}")).await
    }

    /// What an async function of this body returns.
    pub(crate) async fn promised(&self, body: &str) -> Value {
        let script = format!(
            "const done = arguments[0]; (async () => {{ {body} }})().then(done, (error) => done(String(error)))"
        );
        self.session.execute_async(&script).await
    }

    /// Waits until an expression is true.
    pub(crate) async fn until(&self, expression: &str) {
        self.until_equal(&format!("Boolean({expression})"), true).await;
    }

    /// Waits until an expression has a value.
    pub(crate) async fn until_equal(&self, expression: &str, wanted: impl Into<Value> + fmt::Debug) {
        let wanted = wanted.into();
        let start = Instant::now();
        loop {
            let value = self.value(expression).await;
            if value == wanted {
                return;
            }
            assert!(
                start.elapsed() < LIMIT,
                "{expression} is {value}, not {wanted}; {:?}",
                self.session.messages().await
            );
            tokio::time::sleep(POLL).await;
        }
    }

    /// Waits until the text in an element contains another.
    pub(crate) async fn sees(&self, selector: &str, text: &str) {
        let (selector, text) = (json!(selector), json!(text));
        self.until(&format!("document.querySelector({selector})?.innerText.includes({text})")).await;
    }

    /// Waits until the waterfall's rows have these labels.
    pub(crate) async fn until_labels(&self, labels: &[&str]) {
        self.until_equal(LABELS, labels.to_vec()).await;
    }

    /// Clicks on the first element of those a selector finds that has this text, once it is there to be seen.
    pub(crate) async fn click(&self, selector: &str, text: &str) {
        let (selector, text) = (json!(selector), json!(text));
        let found = format!(
            "[...document.querySelectorAll({selector})]\
             .find((element) => element.checkVisibility() && element.innerText.includes({text}))"
        );
        self.until(&found).await;
        self.session.click(&format!("return {found}")).await;
    }

    /// Chooses the option with this text, once it is there.
    pub(crate) async fn choose(&self, selector: &str, text: &str) {
        let (selector, text) = (json!(selector), json!(text));
        let found = format!(
            "[...document.querySelector({selector}).options].find((option) => option.text.includes({text}))"
        );
        self.until(&found).await;
        self.session.click(&format!("return {found}")).await;
    }

    /// Puts a text in the place of what a field holds.
    pub(crate) async fn fill(&self, selector: &str, text: &str) {
        let selector = json!(selector);
        self.session.fill(&format!("return document.querySelector({selector})"), text).await;
    }

    pub(crate) async fn press(&self, keys: &[char]) {
        self.session.press(keys).await;
    }

    pub(crate) async fn chromium(&self, command: &str, parameters: Value) {
        self.session.chromium(command, parameters).await;
    }

    /// Ends the browser, after a look that nothing was complained about.
    pub(crate) async fn close(self) {
        assert_eq!(self.session.messages().await, Vec::<String>::new(), "the console");
    }
}
