//! A load client and a clock for another process's CPU time.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// What a server did in a while.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate {
    pub(crate) per_second: f64,
    pub(crate) per_cpu_second: f64,
}

/// Asks the server of process `pid` for `time` on so many connections, on each one request after the other; requests
/// are made by `request` from a running number. All connections are looked after by one thread, for a server is to be
/// measured beside little else.
pub(crate) fn measure(
    pid: u32,
    address: SocketAddr,
    time: Duration,
    connections: usize,
    request: impl Fn(u64) -> Vec<u8> + 'static,
) -> Rate {
    block_on(async {
        let (request, numbers, answered) =
            (Rc::new(request), Rc::new(Cell::new(0)), Rc::new(Cell::new(0_u32)));
        let stop = Rc::new(Cell::new(false));
        let clients: Vec<_> = (0..connections)
            .map(|_| {
                let (request, stop) = (Rc::clone(&request), Rc::clone(&stop));
                let (numbers, answered) = (Rc::clone(&numbers), Rc::clone(&answered));
                tokio::task::spawn_local(async move {
                    let mut connection = Connection::open(address).await;
                    while !stop.get() {
                        let number = numbers.replace(numbers.get() + 1);
                        connection.ask(&request(number)).await;
                        answered.set(answered.get() + 1);
                    }
                })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(100)).await;
        let (cpu, count, begun) = (cpu_seconds(pid), answered.get(), Instant::now());
        tokio::time::sleep(time).await;
        let (cpu, count) = (cpu_seconds(pid) - cpu, f64::from(answered.get() - count));
        let elapsed = begun.elapsed().as_secs_f64();
        stop.set(true);
        for client in clients {
            client.await.expect("a client ends without a panic");
        }
        Rate { per_second: count / elapsed, per_cpu_second: count / cpu }
    })
}

/// The body that the server answers to one request.
pub(crate) fn fetch(address: SocketAddr, request: &[u8]) -> Vec<u8> {
    block_on(async {
        let mut connection = Connection::open(address).await;
        let (from, to) = connection.ask(request).await;
        connection.buffer[from..to].to_vec()
    })
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    tokio::task::LocalSet::new().block_on(&runtime.expect("the system gives files"), work)
}

struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("the server listens");
        stream.set_nodelay(true).expect("a socket takes TCP_NODELAY");
        Self { stream, buffer: vec![0; 1 << 20] }
    }

    /// Sends a request and reads its answer, which must be 200; the place of the body in the buffer.
    async fn ask(&mut self, request: &[u8]) -> (usize, usize) {
        self.stream.write_all(request).await.expect("the server reads");
        let mut filled = 0;
        let mut end = None;
        loop {
            let read = self.stream.read(&mut self.buffer[filled..]).await.expect("the server answers");
            assert!(read > 0, "the server hung up");
            filled += read;
            if end.is_none() {
                end = body_of(&self.buffer[..filled]);
            }
            if let Some((from, to)) = end
                && filled >= to
            {
                return (from, to);
            }
        }
    }
}

/// Where the body of an answer begins and ends, once its head is there.
fn body_of(bytes: &[u8]) -> Option<(usize, usize)> {
    let from = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&bytes[..from]).expect("a head is ASCII");
    assert!(head.starts_with("HTTP/1.1 200"), "{head} {}", String::from_utf8_lossy(&bytes[from..]));
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "))?;
    Some((from, from + length.parse::<usize>().expect("a length is a number")))
}

/// What all threads of a process have had of the CPU. Source: proc(5), the first field of `schedstat`, in nanoseconds.
fn cpu_seconds(pid: u32) -> f64 {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).expect("the process lives");
    let nanos = tasks.map(|task| {
        let stat = std::fs::read_to_string(task.expect("a thread").path().join("schedstat"))
            .expect("a thread lives");
        stat.split(' ').next().and_then(|nanos| nanos.parse::<u64>().ok()).expect("a number of nanoseconds")
    });
    nanos.sum::<u64>() as f64 / 1e9
}
