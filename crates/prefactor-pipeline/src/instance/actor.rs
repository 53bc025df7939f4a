//! The actor of one instance: decides what of its operations goes on, in which order.

use std::sync::Arc;

use ractor::{Actor, ActorProcessingErr, ActorRef};

use super::Run;
use crate::batcher::{BatcherInbox, BatcherInput};
use crate::testing::Stage;

#[derive(Debug)]
pub(crate) enum InstanceMessage {
    /// From the intake: operations have arrived; from the sender: the registration was answered.
    WorkArrived,
}

#[derive(Debug)]
pub(crate) struct InstanceActor {
    pub(crate) run: Arc<Run>,
    pub(crate) batcher: Arc<BatcherInbox>,
}

impl Actor for InstanceActor {
    type Msg = InstanceMessage;
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, myself: ActorRef<Self::Msg>, (): ()) -> Result<(), ActorProcessingErr> {
        // A successor of an actor that panicked finds the work where it was left.
        myself.cast(InstanceMessage::WorkArrived)?;
        Ok(())
    }

    async fn handle(
        &self,
        myself: ActorRef<Self::Msg>,
        InstanceMessage::WorkArrived: InstanceMessage,
        (): &mut (),
    ) -> Result<(), ActorProcessingErr> {
        let Some(_working) = self.run.pipeline().work() else { return Ok(()) };
        self.run.pipeline().interrupt(Stage::Instance);
        self.run.advance(|operations| self.batcher.push(BatcherInput::Operations(operations)));
        if self.run.is_over() {
            myself.stop(None);
        }
        Ok(())
    }
}
