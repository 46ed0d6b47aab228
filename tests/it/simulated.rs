//! What speaks to the simulated API, over whatever leads there.

use ratetop::{
    api::connection::{AuthStyle, Connection, Version},
    net::transport::Transport,
    sim::speak::ask::API_KEY,
};
use std::sync::Arc;

/// A profile's connection to the simulator, with its key.
pub fn connection(transport: impl Transport + 'static, profile: &str) -> Arc<Connection> {
    Arc::new(Connection {
        transport: Arc::new(transport),
        key: Some(API_KEY.into()),
        auth: AuthStyle::default(),
        version: Version::default(),
        workspace: None,
        fast: false,
        profile: profile.into(),
        host: "simulator".into(),
    })
}
