//! Starts the Reaperscope page.

fn main() {
    web::start();
}
