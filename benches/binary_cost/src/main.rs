//! Fetches a page. With the feature `telemetry` it also reports that.

use std::error::Error;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::args().nth(1).ok_or("usage: prefactor-binary-cost URL")?;
    #[cfg(feature = "telemetry")]
    let (prefactor, span) = {
        use prefactor::{AgentVersion, Prefactor};

        let prefactor = Prefactor::from_env()?;
        let span = prefactor.instance(AgentVersion::new("fetch", "v1")).start().span("agent:fetch", &url);
        (prefactor, span)
    };
    let page = reqwest::get(url).await?.text().await?;
    println!("{page}");
    #[cfg(feature = "telemetry")]
    {
        span.complete(&page);
        prefactor.shutdown(std::time::Duration::from_secs(5)).await;
    }
    Ok(())
}
