//! A way to the broker that can be cut.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// Passes bytes on, until it is told to do otherwise.
pub struct Proxy {
    pub port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    target: u16,
    connections: Mutex<Vec<TcpStream>>,
    /// Each connection is cut after so many bytes from the broker.
    cut_after: AtomicUsize,
    /// What the client says is thrown away.
    deaf: AtomicBool,
}

impl Proxy {
    pub fn to(target: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            target,
            connections: Mutex::default(),
            cut_after: AtomicUsize::new(usize::MAX),
            deaf: AtomicBool::new(false),
        });
        let serving = shared.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                serving.serve(client);
            }
        });
        Self { port, shared }
    }

    /// Cuts every later connection after so many bytes from the broker.
    pub fn cut_after(&self, bytes: usize) {
        self.shared.cut_after.store(bytes, Ordering::SeqCst);
    }

    /// Throws away what the client says from now on, or no longer.
    pub fn be_deaf(&self, deaf: bool) {
        self.shared.deaf.store(deaf, Ordering::SeqCst);
    }

    /// Connections that were made so far, and not cut by [`Self::cut`].
    pub fn connections(&self) -> usize {
        // Each is held at both of its ends.
        self.shared.connections.lock().unwrap().len() / 2
    }

    /// Cuts all connections there are.
    pub fn cut(&self) {
        for connection in self.shared.connections.lock().unwrap().drain(..) {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }
}

impl Shared {
    fn serve(self: &Arc<Self>, client: TcpStream) {
        let Ok(broker) = TcpStream::connect(("127.0.0.1", self.target)) else { return };
        let mut connections = self.connections.lock().unwrap();
        connections.extend([client.try_clone().unwrap(), broker.try_clone().unwrap()]);
        drop(connections);
        let (to_client, to_broker) = (client.try_clone().unwrap(), broker.try_clone().unwrap());
        let (there, back) = (self.clone(), self.clone());
        std::thread::spawn(move || {
            pass(client, to_broker, usize::MAX, || there.deaf.load(Ordering::SeqCst));
        });
        std::thread::spawn(move || {
            let limit = back.cut_after.load(Ordering::SeqCst);
            pass(broker, to_client, limit, || false);
        });
    }
}

/// Passes bytes on until an end or a limit, and then cuts both ways.
fn pass(mut from: TcpStream, mut to: TcpStream, mut limit: usize, thrown_away: impl Fn() -> bool) {
    let mut buffer = [0; 16 << 10];
    while limit > 0 {
        let Ok(count @ 1..) = from.read(&mut buffer) else { break };
        let passed = count.min(limit);
        limit = limit.saturating_sub(passed);
        if !thrown_away() && to.write_all(&buffer[..passed]).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
