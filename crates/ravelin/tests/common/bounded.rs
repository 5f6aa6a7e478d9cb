//! Processes whose words and whose end are waited for, but not for ever.

use std::{
    io::Read,
    mem,
    process::{Child, ExitStatus, Output},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

/// How long a process may take, in all or for a word. Only a failure takes that long.
const PATIENCE: Duration = Duration::from_secs(120);
/// How often it is looked whether a process has ended.
const LOOK: Duration = Duration::from_millis(5);

/// A process that is ended when it is dropped, or takes too long.
pub(crate) struct Bounded {
    what: String,
    child: Child,
    said: Stream,
    complained: Stream,
}

/// What comes out of a pipe. It is read all the time: nobody ever waits for room in it.
struct Stream {
    pieces: Receiver<Vec<u8>>,
    text: Vec<u8>,
}

impl Stream {
    fn of(pipe: Option<impl Read + Send + 'static>) -> Self {
        let (send, pieces) = mpsc::channel();
        if let Some(mut pipe) = pipe {
            thread::spawn(move || {
                let mut piece = [0; 4096];
                while let Ok(length) = pipe.read(&mut piece) {
                    if length == 0 || send.send(piece[..length].to_vec()).is_err() {
                        break;
                    }
                }
            });
        }
        Self { pieces, text: Vec::new() }
    }

    /// Waits for the next piece until a moment; false: nothing comes any more. None: the moment has come.
    fn next(&mut self, deadline: Instant) -> Option<bool> {
        match self.pieces.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(piece) => {
                self.text.extend(piece);
                Some(true)
            }
            Err(RecvTimeoutError::Disconnected) => Some(false),
            Err(RecvTimeoutError::Timeout) => None,
        }
    }

    /// Waits until nothing comes any more, and gives whether that was before a moment.
    fn is_over(&mut self, deadline: Instant) -> bool {
        loop {
            match self.next(deadline) {
                Some(true) => {}
                Some(false) => return true,
                None => return false,
            }
        }
    }

    fn shown(&self) -> String {
        String::from_utf8_lossy(&self.text).into_owned()
    }
}

impl Bounded {
    /// Waits for this process, which is called `what` where it takes too long. Its pipes are read.
    pub(crate) fn new(what: &str, mut child: Child) -> Self {
        let (said, complained) = (Stream::of(child.stdout.take()), Stream::of(child.stderr.take()));
        Self { what: what.to_owned(), child, said, complained }
    }

    /// The number of the process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until its output has this in it.
    pub(crate) fn says(&mut self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.said.shown().contains(text) {
            match self.said.next(deadline) {
                Some(true) => {}
                Some(false) => self.fail(&format!("has ended, and has not said {text:?}")),
                None => self.fail(&format!("does not say {text:?}")),
            }
        }
    }

    /// Waits until it has ended, and gives what it has said.
    pub(crate) fn output(mut self) -> Output {
        let deadline = Instant::now() + PATIENCE;
        let status = self.wait(deadline);
        // Whoever has inherited its pipes may hold them open.
        if !self.said.is_over(deadline) || !self.complained.is_over(deadline) {
            self.fail("has ended, and its output does not end");
        }
        let (stdout, stderr) = (mem::take(&mut self.said.text), mem::take(&mut self.complained.text));
        Output { status, stdout, stderr }
    }

    fn wait(&mut self, deadline: Instant) -> ExitStatus {
        loop {
            if let Some(status) = self.child.try_wait().expect("its end can be awaited") {
                return status;
            }
            if Instant::now() > deadline {
                self.fail("does not end");
            }
            thread::sleep(LOOK);
        }
    }

    fn fail(&mut self, why: &str) -> ! {
        while self.complained.next(Instant::now()) == Some(true) {}
        let (said, complained) = (self.said.shown(), self.complained.shown());
        unreachable!("{} {why} within {} s: {said}\n{complained}", self.what, PATIENCE.as_secs());
    }
}

impl Drop for Bounded {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
