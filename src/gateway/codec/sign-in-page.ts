const page = (body: string) => `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>infer-once codec</title>
<body>${body}</body></html>
`;

/** Asks for the codec token. */
export const SIGN_IN_PAGE = page(`<h1>Show payloads in Temporal UI</h1>
<p>Type the codec token of this gateway (INFER_ONCE_CODEC_TOKEN); this browser may then decode for twelve hours.</p>
<form method="post" action="/codec">
<label>Token <input type="password" name="token" autocomplete="current-password" required autofocus></label>
<button>Sign in</button>
</form>`);

export const SIGNED_IN_PAGE = page(`<h1>Signed in</h1>
<p>In Temporal UI open the settings of the codec server, give this gateway's address with /codec at its end, and
include cross-origin credentials.</p>`);
