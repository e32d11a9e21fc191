//! Files from the reader's machine into memory: by drop anywhere on the
//! page, or from a file field.

use std::cell::RefCell;
use std::rc::Rc;

use gloo_events::{EventListener, EventListenerOptions};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::{DragEvent, FileList};
use yew::prelude::*;

use super::Received;
use super::files::{Dropped, FILE_SIZE_MAX, FILES_MAX, receive};
use crate::dom;
use crate::shared::Shared;
use crate::state::Action;
use crate::ui::Ui;
use crate::words::t;

/// Takes files that are dropped on the page.
#[hook]
pub fn use_drop(ui: &Ui) {
    let ui = ui.clone();
    use_effect_with((), move |()| {
        let options = EventListenerOptions::enable_prevent_default();
        let listen = |name: &'static str, act: Box<dyn Fn(&DragEvent)>| {
            EventListener::new_with_options(&dom::document(), name, options, move |event| {
                let Some(event) = event.dyn_ref::<DragEvent>() else {
                    return;
                };
                let transfer = event.data_transfer();
                let kinds = transfer.map(|transfer| transfer.types());
                let has_files = kinds.is_some_and(|it| it.includes(&JsValue::from_str("Files"), 0));
                // Text dragged into a field is the field's.
                if has_files {
                    event.prevent_default();
                    act(event);
                }
            })
        };
        let over = listen("dragover", Box::new(|_| {}));
        let drop_ui = ui.clone();
        let dropped = listen(
            "drop",
            Box::new(move |event| {
                if let Some(files) = event.data_transfer().and_then(|it| it.files()) {
                    read(&drop_ui, &files);
                }
            }),
        );
        move || drop((over, dropped))
    });
}

/// Reads files, then says what came of them.
pub fn read(ui: &Ui, files: &FileList) {
    let count = files.length();
    if count as usize > FILES_MAX {
        nothing(ui, t!("{count} files at once; at most {most} are read.", count, most = FILES_MAX));
        return;
    }
    let files: Vec<web_sys::File> = (0..count).filter_map(|index| files.get(index)).collect();
    let large = files.iter().find(|file| file.size() > FILE_SIZE_MAX as f64);
    if let Some(file) = large {
        let most = FILE_SIZE_MAX >> 20;
        nothing(ui, t!("{name}: more than {most} MiB.", name = file.name(), most));
        return;
    }
    let (left, read) = (Rc::new(RefCell::new(files.len())), Rc::<RefCell<Vec<_>>>::default());
    for file in files {
        let (name, ui, left, read) = (file.name(), ui.clone(), left.clone(), read.clone());
        let refused = ui.clone();
        let unread = name.clone();
        let yes = Closure::once_into_js(move |buffer: JsValue| {
            let bytes = js_sys::Uint8Array::new(&buffer).to_vec();
            read.borrow_mut().push(Dropped { name, bytes });
            *left.borrow_mut() -= 1;
            if *left.borrow() == 0 {
                let files = std::mem::take(&mut *read.borrow_mut());
                ui.send(Action::Received(Shared::new(receive(files))));
            }
        });
        let no = Closure::once_into_js(move |_: JsValue| {
            nothing(&refused, t!("The browser could not read {unread}; is it a folder?", unread));
        });
        let promise = file.array_buffer();
        let then = js_sys::Reflect::get(&promise, &JsValue::from_str("then"));
        if let Some(then) = then.ok().and_then(|then| then.dyn_into::<js_sys::Function>().ok()) {
            let _ = then.call2(&promise, &yes, &no);
        }
    }
}

fn nothing(ui: &Ui, why: String) {
    ui.send(Action::Received(Shared::new(Received::Nothing(why))));
}
