//! As little HTTP as it takes: one connection, requests one after the other.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};

/// A request or an answer as it is read from a connection.
#[derive(Default)]
pub struct Message {
    /// The request line or the status line.
    pub head: String,
    pub body: Vec<u8>,
}

/// Reads the next message into `message`; `false` at the end of the connection.
pub fn read_message(from: &mut impl BufRead, message: &mut Message) -> io::Result<bool> {
    message.head.clear();
    if from.read_line(&mut message.head)? == 0 {
        return Ok(false);
    }
    let mut length = 0;
    let mut line = String::new();
    loop {
        line.clear();
        if from.read_line(&mut line)? == 0 {
            return Ok(false);
        }
        let Some((name, value)) = line.split_once(':') else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
    }
    message.body.resize(length, 0);
    from.read_exact(&mut message.body)?;
    Ok(true)
}

pub struct Connection {
    stream: BufReader<TcpStream>,
    request: Vec<u8>,
    answer: Message,
}

impl Connection {
    pub fn open(to: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(to)?;
        stream.set_nodelay(true)?;
        let stream = BufReader::with_capacity(64 * 1024, stream);
        Ok(Self { stream, request: Vec::new(), answer: Message::default() })
    }

    /// Posts a body and gives the body of the answer.
    pub fn post(&mut self, path: &str, body: &[u8]) -> io::Result<&[u8]> {
        self.request.clear();
        write!(
            self.request,
            "POST {path} HTTP/1.1\r\nhost: sink\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        )?;
        self.request.extend_from_slice(body);
        self.stream.get_mut().write_all(&self.request)?;
        read_message(&mut self.stream, &mut self.answer)?;
        if !self.answer.head.contains(" 200 ") {
            return Err(io::Error::other(format!("the sink said {}", self.answer.head.trim())));
        }
        Ok(&self.answer.body)
    }
}

/// The number of spans that the sink has taken since its start.
pub fn spans_taken(sink: SocketAddr) -> io::Result<u64> {
    let mut connection = Connection::open(sink)?;
    String::from_utf8_lossy(connection.post("/taken", b"")?).parse().map_err(io::Error::other)
}
