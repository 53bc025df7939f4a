use prefactor_pipeline::{Health, LossReason};
use tokio::time::sleep;

use crate::support::{Api, Reply, SECOND, assert_adds_up, assert_all_delivered, whole_run};

/// Refuses the token until then.
fn refusing(status: u16, until: u32) -> Api {
    Api::new().on_request(
        move |request| {
            if request.at < until * SECOND { Reply::status(status) } else { Reply::Process }
        },
    )
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_probed_by_one_request_at_a_time_until_it_is_accepted() {
    for status in [401, 403] {
        let api = refusing(status, 100);
        let prefactor = api.pipeline().probe_interval(30 * SECOND).build().unwrap();
        for name in ["a", "b", "c", "d", "e", "f"] {
            whole_run(&prefactor, name);
            sleep(SECOND / 5).await;
        }
        sleep(SECOND).await;
        assert_eq!(prefactor.health(), Health::Unauthorized);

        assert_all_delivered(&prefactor).await;

        let seconds = api.seconds();
        assert_eq!(seconds.iter().filter(|second| **second < 120).count(), 4, "{seconds:?}");
        assert!(seconds[4..].iter().all(|second| *second == 120), "{seconds:?}");
        assert_eq!(prefactor.health(), Health::Delivering);
        assert_eq!(api.names().len(), 6);
    }
}

#[tokio::test(start_paused = true)]
async fn requests_that_were_under_way_together_come_back_one_by_one() {
    let api = refusing(401, 100);
    let prefactor = api.pipeline().probe_interval(30 * SECOND).max_batch_items(4).build().unwrap();
    for name in ["a", "b", "c", "d", "e", "f"] {
        whole_run(&prefactor, name);
    }

    assert_all_delivered(&prefactor).await;

    let seconds = api.seconds();
    assert_eq!(seconds[..8], [0, 0, 0, 0, 30, 60, 90, 120], "{seconds:?}");
    assert!(seconds[8..].iter().all(|second| *second == 120), "{seconds:?}");
    assert_eq!(api.names().len(), 6);
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_is_not_answered_is_followed_by_another_one() {
    let api = Api::new().on_request(|request| match request.number {
        0..4 => Reply::status(401),
        4 => Reply::Fail,
        _ => Reply::Process,
    });
    let prefactor = api.pipeline().probe_interval(30 * SECOND).max_batch_items(4).build().unwrap();
    for name in ["a", "b", "c", "d"] {
        whole_run(&prefactor, name);
    }

    assert_all_delivered(&prefactor).await;

    assert_eq!(api.names().len(), 4);
    assert_eq!(api.seconds()[4..6], [30, 30], "another request finds out");
}

#[tokio::test(start_paused = true)]
async fn what_is_left_at_the_end_is_lost_for_that_reason() {
    let api = refusing(401, 1_000);
    let prefactor = api.pipeline().build().unwrap();
    whole_run(&prefactor, "a");
    sleep(SECOND).await;

    let report = prefactor.shutdown(5 * SECOND).await;

    assert!(!report.complete);
    assert_eq!(report.ledger.lost_for(LossReason::Unauthorized), report.ledger.accepted);
    assert_adds_up(&prefactor);
}
