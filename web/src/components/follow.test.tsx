import { fireEvent, render, screen } from "@testing-library/react";
import { createMemoryRouter } from "react-router";
import { RouterProvider } from "react-router/dom";

import { useFollow } from "./follow";

function Links() {
  const follow = useFollow();
  return (
    // eslint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/no-static-element-interactions
    <div onClick={follow}>
      <a href="/there?tab=logs"><b>within</b></a>
      <a href="?tab=events">tab</a>
      <a href="/there" target="_blank" rel="noreferrer">window</a>
      <a href="/file" download>file</a>
      <a href="https://elsewhere.example/">elsewhere</a>
      <a href="/mine" onClick={(event) => { event.preventDefault(); }}>taken</a>
      nothing
    </div>
  );
}

function shown() {
  const router = createMemoryRouter([{ path: "/", Component: Links }, { path: "/there", element: "there" }], { initialEntries: ["/"] });
  render(<RouterProvider router={router} />);
  return router;
}

describe("plain links", () => {
  test.each([["within", "/there?tab=logs"], ["tab", "/?tab=events"]])("%s: goes there without loading anything anew", (text, path) => {
    const router = shown();
    expect(fireEvent.click(screen.getByText(text))).toBe(false);
    expect(router.state.location.pathname + router.state.location.search).toBe(path);
  });

  test.each(["window", "file", "elsewhere"])("%s: is the browser's", (text) => {
    const router = shown();
    expect(fireEvent.click(screen.getByText(text))).toBe(true);
    expect(router.state.location.pathname).toBe("/");
  });

  test.each([{ ctrlKey: true }, { metaKey: true }, { shiftKey: true }, { altKey: true }, { button: 1 }])("with %o: is the browser's", (how) => {
    const router = shown();
    expect(fireEvent.click(screen.getByText("within"), how)).toBe(true);
    expect(router.state.location.pathname).toBe("/");
  });

  test("leaves what somebody else has done", () => {
    const router = shown();
    fireEvent.click(screen.getByText("taken"));
    expect(router.state.location.pathname).toBe("/");
  });
});
