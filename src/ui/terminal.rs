//! Taking the terminal and giving it back: on quit, error, panic, and while suspended.

use super::theme::Look;
use crate::{app::App, domain::time::Time};
use crossterm::{
    clipboard::CopyToClipboard,
    cursor,
    event::{DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture},
    execute, queue,
    terminal::{
        EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode, size,
    },
};
use ratatui::{Terminal, backend::CrosstermBackend, layout::Rect};
use std::{
    io::{self, BufWriter, IsTerminal as _, Stdout, Write as _, stdout},
    sync::{
        Once,
        atomic::{AtomicBool, Ordering},
    },
};

/// A frame is written at once, so that no half of one is ever seen.
const FRAME_BYTES: usize = 64 * 1024;

/// Whether the terminal is ours. Restoring looks at it, so that doing it twice is harmless.
static TAKEN: AtomicBool = AtomicBool::new(false);
static HOOK: Once = Once::new();

/// The terminal while it is ours. Dropping it gives the terminal back.
pub struct Screen {
    terminal: Terminal<CrosstermBackend<BufWriter<Stdout>>>,
    mouse: bool,
}

impl Screen {
    /// Takes the terminal: raw mode, alternate screen, bracketed paste, mouse if wanted. A panic
    /// of the main thread gives it back before its message is printed.
    pub fn open(mouse: bool) -> io::Result<Self> {
        HOOK.call_once(|| {
            let before = std::panic::take_hook();
            // A task's panic is caught and told as an event; the screen stays as it is.
            std::panic::set_hook(Box::new(move |info| {
                if std::thread::current().name() == Some("main") {
                    restore();
                    before(info);
                } else {
                    tracing::error!("{info}");
                }
            }));
        });
        take(mouse)?;
        let backend = CrosstermBackend::new(BufWriter::with_capacity(FRAME_BYTES, stdout()));
        match Terminal::new(backend) {
            Ok(terminal) => Ok(Self { terminal, mouse }),
            Err(error) => {
                restore();
                Err(error)
            }
        }
    }

    /// Whether there is a terminal to draw on: into a pipe or a file no screen is written.
    pub fn is_there() -> bool {
        stdout().is_terminal()
    }

    /// Columns and rows now.
    pub fn size() -> (u16, u16) {
        size().unwrap_or((80, 24))
    }

    /// Draws the app; only cells that changed are written.
    pub fn draw(&mut self, app: &App, look: &Look, now: Time) -> io::Result<()> {
        self.terminal
            .draw(|frame| super::draw(app, look, now, frame))?;
        Ok(())
    }

    /// Forgets what is on the screen, so that the next draw writes every cell.
    pub fn repaint(&mut self) -> io::Result<()> {
        // Not `clear`: that asks the terminal where its cursor is, and the answer would be taken by
        // the reader of keys.
        let (columns, rows) = Self::size();
        self.terminal.resize(Rect::new(0, 0, columns, rows))
    }

    /// Puts text on the clipboard of the user's terminal (OSC 52), also over ssh.
    pub fn copy(&mut self, text: &str) -> io::Result<()> {
        let writer = self.terminal.backend_mut();
        queue!(writer, CopyToClipboard::to_clipboard_from(text))?;
        writer.flush()
    }

    /// Switches mouse reporting.
    pub fn mouse(&mut self, on: bool) -> io::Result<()> {
        self.mouse = on;
        let writer = self.terminal.backend_mut();
        if on {
            execute!(writer, EnableMouseCapture)
        } else {
            execute!(writer, DisableMouseCapture)
        }
    }

    /// Gives the terminal back, stops the whole job as Ctrl-Z does, and takes the terminal again when
    /// the job goes on. Blocks until then. Without a shell that could continue it, nothing stops.
    pub fn suspend(&mut self) -> io::Result<()> {
        #[cfg(unix)]
        {
            use rustix::process::{Signal, getppid, getsid, kill_current_process_group};
            let ours = getsid(None)?;
            if getppid().and_then(|parent| getsid(Some(parent)).ok()) == Some(ours) {
                restore();
                // Not TSTP, which is listened to and so would not stop anything.
                kill_current_process_group(Signal::STOP)?;
                take(self.mouse)?;
            }
        }
        self.repaint()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

fn take(mouse: bool) -> io::Result<()> {
    enable_raw_mode()?;
    TAKEN.store(true, Ordering::SeqCst);
    let taken = execute!(
        stdout(),
        EnterAlternateScreen,
        EnableBracketedPaste,
        cursor::Hide
    )
    .and_then(|()| {
        if mouse {
            execute!(stdout(), EnableMouseCapture)
        } else {
            Ok(())
        }
    });
    if taken.is_err() {
        restore();
    }
    taken
}

/// Gives the terminal back if it is ours; harmless otherwise. Errors have nowhere to go: the
/// terminal is gone then.
pub fn restore() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let _ = execute!(
        stdout(),
        DisableMouseCapture,
        DisableBracketedPaste,
        LeaveAlternateScreen,
        cursor::Show
    );
    let _ = disable_raw_mode();
}
