import { TextInput, type TextInputProps } from "@mantine/core";

/** A place in storage: `obs://…`, `nas://…`, or a path below a container. */
export function StoragePath(props: TextInputProps) {
  return <TextInput placeholder="obs://local/v1/AUTH_local/…" {...props} />;
}
