//! An upstream that is looked at when all is over, so that nothing can come later than the look.

use super::{
    rig::{Peer, Tapped},
    wire::{self, Ended, Kind, Message},
};
use std::{
    io,
    net::{SocketAddr, TcpListener},
};

/// What comes here waits in its sockets until somebody looks.
pub struct Afterwards {
    listener: TcpListener,
    pub address: SocketAddr,
}

impl Afterwards {
    pub fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        Self { listener, address }
    }

    /// Sends one plain request through the tap, ends the tap, and reads every connection that it ever
    /// opened here to its end. What was whole, but for that last request, without which this look would
    /// have seen nothing.
    pub fn what_passed(self, tap: Tapped) -> Vec<Message> {
        const LAST: &str = "GET /the-last";
        let mut client = tap.client();
        client.send(format!("{}\r\n", tap.head(LAST)));
        let (mut whole, mut answered) = (Vec::new(), false);
        while !answered {
            let mut peer = Peer::of(self.listener.accept().unwrap().0);
            while let Some(message) = next(&mut peer) {
                if message.start.starts_with(LAST) {
                    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
                    answered = true;
                    break;
                }
                whole.push(message);
            }
        }
        assert_eq!(client.next(Kind::Answer).status(), 200);
        drop(client);
        tap.stop();
        tap.join();
        // Of its connections none is open now, and those that are left wait to be accepted.
        self.listener.set_nonblocking(true).unwrap();
        loop {
            match self.listener.accept() {
                Ok((stream, _)) => {
                    stream.set_nonblocking(false).unwrap();
                    let mut peer = Peer::of(stream);
                    whole.extend(std::iter::from_fn(|| next(&mut peer)));
                }
                Err(error) => {
                    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
                    return whole;
                }
            }
        }
    }
}

/// The next request that is whole; none where the connection ends before.
fn next(peer: &mut Peer) -> Option<Message> {
    let message = wire::message(&mut peer.lines, Kind::Request).ok().flatten();
    message.filter(|message| message.ended == Ended::Whole)
}
