//! The engine as a transport without sockets, for worlds in virtual time: a paused tokio clock runs
//! ahead of real sockets, but not of this.

use super::{
    play::{PlayedBody, World, read},
    speak::script::Cut,
};
use crate::{
    domain::outcome::Unreachable,
    net::transport::{Broken, Request, Response, Transport},
};
use futures_util::{FutureExt, StreamExt, future::BoxFuture, stream};

/// A transport that asks the engine itself.
#[derive(Clone, Debug)]
pub struct Direct(World);

impl Direct {
    /// Into this world.
    pub fn new(world: World) -> Self {
        Self(world)
    }
}

fn broken(_: Cut) -> Broken {
    Broken {
        kind: Unreachable::Broken,
        how: "the simulator broke the connection".into(),
    }
}

impl Transport for Direct {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, Broken>> {
        async move {
            let ask = read(
                &request.method,
                &request.target,
                &request.headers,
                &request.body,
            );
            let played = self.0.play(ask, &request.headers).await.map_err(broken)?;
            let body = match played.body {
                PlayedBody::Whole(bytes) => stream::once(async move { Ok(bytes) }).boxed(),
                PlayedBody::Told(told) => stream::unfold(told, |mut told| async move {
                    let piece = told.next().await?;
                    Some((piece.map_err(broken), told))
                })
                .boxed(),
            };
            Ok(Response {
                status: played.status,
                headers: played.headers,
                body,
            })
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::Clock,
        sim::{engine::Engine, scenario::Scenario, speak::ask::API_KEY},
    };
    use http::{HeaderMap, HeaderValue, Method};
    use std::sync::{Arc, Mutex};

    fn world(name: &str) -> (World, Clock) {
        let clock = Clock::anchored("2026-11-24T12:00:00Z".parse().unwrap());
        let engine = Engine::new(Scenario::named(name).unwrap(), 1, clock.now());
        (
            World::new(Arc::new(Mutex::new(engine)), clock.clone()),
            clock,
        )
    }

    fn call(stream: bool) -> Request {
        let mut headers = HeaderMap::new();
        headers.insert("x-api-key", HeaderValue::from_static(API_KEY));
        headers.insert("anthropic-version", HeaderValue::from_static("2026-10-21"));
        Request {
            method: Method::POST,
            target: "/v1/messages".into(),
            headers,
            body: format!(
                r#"{{"model":"claude-sonnet-5-5","max_tokens":200,"stream":{stream},"messages":[{{"role":"user","content":"Say hello."}}]}}"#
            )
            .into(),
            stream,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn streams_in_virtual_time() {
        let (world, clock) = world("calm");
        let direct = Direct::new(world);
        let began = clock.now();
        let response = direct.send(call(true)).await.unwrap();
        assert_eq!(response.status, 200);
        let head_s = crate::domain::time::seconds_between(began, clock.now());
        assert!((0.2..0.8).contains(&head_s), "{head_s}");
        let pieces: Vec<_> = response.body.collect().await;
        let text: String = pieces
            .iter()
            .map(|piece| String::from_utf8(piece.as_ref().unwrap().to_vec()).unwrap())
            .collect();
        assert!(text.ends_with("event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"));
        assert!(clock.now() > began + chrono::TimeDelta::milliseconds(400));
    }

    #[tokio::test(start_paused = true)]
    async fn a_dropped_stream_is_charged_only_for_what_it_said() {
        let (world, clock) = world("tight-output");
        let direct = Direct::new(world.clone());
        let level = || {
            let now = clock.now();
            world
                .engine()
                .level("claude-sonnet-5-5", "output_tokens_per_minute", now)
                .unwrap()
        };
        let before = level();
        let mut request = call(true);
        request.body = String::from_utf8(request.body.to_vec())
            .unwrap()
            .replace("200", "900")
            .into();
        let mut response = direct.send(request).await.unwrap();
        for _ in 0..8 {
            response.body.next().await.unwrap().unwrap();
        }
        drop(response);
        let spent = before - level();
        assert!((1.0..200.0).contains(&spent), "{spent}");
    }
}
