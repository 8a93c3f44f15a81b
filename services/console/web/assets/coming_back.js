// The network's answer goes on by itself; without scripts there is a button.
document.querySelector("form[data-at-once]")?.requestSubmit();
