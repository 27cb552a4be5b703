//! Smart HTTP for tests: a small server on loopback before git's own CGI program.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

/// Serves `catalog.git` of a folder, or redirects everything elsewhere; remembers how each request authorised itself.
pub(crate) fn serve_http(
    root: &Path,
    redirect: Option<String>,
) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/catalog.git", listener.local_addr().unwrap());
    let (root, seen) = (root.to_owned(), Arc::new(Mutex::new(Vec::new())));
    let heard = seen.clone();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let request = Request::read(&stream);
            heard.lock().unwrap().push(request.header("authorization"));
            match &redirect {
                Some(elsewhere) => request.redirect(&mut stream, elsewhere),
                None => request.answer(&mut stream, &root),
            }
        }
    });
    (url, seen)
}

struct Request {
    method: String,
    path: String,
    query: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    fn read(stream: &TcpStream) -> Self {
        let mut reader = BufReader::new(stream);
        let first = line(&mut reader);
        let mut words = first.split(' ').map(str::to_owned);
        let (method, target) = (words.next().unwrap(), words.next().unwrap_or_default());
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let (path, query) = (path.to_owned(), query.to_owned());
        let mut headers = Vec::new();
        while let Some((name, value)) = line(&mut reader).split_once(": ") {
            headers.push((name.to_lowercase(), value.to_owned()));
        }
        let mut request = Self { method, path, query, headers, body: Vec::new() };
        if request.header("transfer-encoding") == "chunked" {
            loop {
                let size = u64::from_str_radix(&line(&mut reader), 16).unwrap();
                reader.by_ref().take(size).read_to_end(&mut request.body).unwrap();
                line(&mut reader);
                if size == 0 {
                    break;
                }
            }
        } else {
            let size = request.header("content-length").parse().unwrap_or(0);
            reader.take(size).read_to_end(&mut request.body).unwrap();
        }
        request
    }

    fn header(&self, name: &str) -> String {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    }

    fn redirect(&self, stream: &mut TcpStream, elsewhere: &str) {
        let location =
            format!("{elsewhere}{}?{}", self.path.trim_start_matches("/catalog.git"), self.query);
        let head = "HTTP/1.1 301 Moved\r\nContent-Length: 0\r\nConnection: close";
        write!(stream, "{head}\r\nLocation: {location}\r\n\r\n").unwrap();
    }

    fn answer(&self, stream: &mut TcpStream, root: &Path) {
        let mut child = Command::new("git")
            .arg("http-backend")
            .env("GIT_PROJECT_ROOT", root)
            .env("GIT_HTTP_EXPORT_ALL", "1")
            .env("REMOTE_USER", "ann")
            .env("REQUEST_METHOD", &self.method)
            .env("PATH_INFO", &self.path)
            .env("QUERY_STRING", &self.query)
            .env("CONTENT_TYPE", self.header("content-type"))
            .env("HTTP_CONTENT_ENCODING", self.header("content-encoding"))
            .env("GIT_PROTOCOL", self.header("git-protocol"))
            .env("CONTENT_LENGTH", self.body.len().to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (mut stdin, body) = (child.stdin.take().unwrap(), self.body.clone());
        thread::spawn(move || stdin.write_all(&body));
        let output = child.wait_with_output().unwrap().stdout;
        let text = String::from_utf8_lossy(&output);
        let status =
            text.lines().find_map(|line| line.strip_prefix("Status: ")).unwrap_or("200 OK");
        write!(stream, "HTTP/1.1 {status}\r\nConnection: close\r\n").unwrap();
        stream.write_all(&output).unwrap();
    }
}

fn line(reader: &mut BufReader<&TcpStream>) -> String {
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    line.trim().to_owned()
}
