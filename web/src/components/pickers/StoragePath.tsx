import { ActionIcon, Combobox, TextInput, useCombobox, type TextInputProps } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconFile, IconFolder, IconFolderSearch } from "@tabler/icons-react";
import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import { placeOf, uriOf } from "@/lib/storage";

import { ContainerGrant } from "./ContainerGrant";
import { StorageBrowser, type Wanted } from "./StorageBrowser";
import { usePathCompletions } from "./pathCompletions";

/** What somebody typed into a field, said to it as the browser would, so that whoever holds the value hears of it. */
function type(input: HTMLInputElement, text: string): void {
  Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value")?.set?.call(input, text);
  input.dispatchEvent(new Event("input", { bubbles: true }));
}

export interface StoragePathProps extends TextInputProps {
  /** What may be chosen. */
  wants?: Wanted;
  /** What a job will do there: says so where the system account may not, and offers the grant (OS-L02). */
  needs?: "read" | "write";
}

/** A place in storage: `obs://…`, `nas://…`, or a path below a container; typed with completion, or chosen from what is there. */
export function StoragePath({ wants = "any", needs, inputContainer, ...props }: StoragePathProps) {
  const { t } = useTranslation("storage");
  const input = useRef<HTMLInputElement>(null);
  const [own, setOwn] = useState(String(props.defaultValue ?? ""));
  const [isOpen, browser] = useDisclosure();
  const combobox = useCombobox();
  const text = props.value === undefined ? own : String(props.value);
  const completions = usePathCompletions(text, wants, combobox.dropdownOpened);
  const take = (value: string): void => { if (input.current !== null) type(input.current, value); };

  return (
    <>
      <Combobox
        store={combobox} size={props.size} withinPortal
        onOptionSubmit={(value) => {
          take(value);
          // A folder is seldom the end of the way.
          if (!value.endsWith("/")) combobox.closeDropdown();
          combobox.resetSelectedOption();
        }}
      >
        <Combobox.Target>
          <TextInput
            placeholder="obs://local/v1/AUTH_local/…" autoComplete="off" spellCheck={false} {...props} ref={input}
            onChange={(event) => {
              setOwn(event.currentTarget.value);
              props.onChange?.(event);
              combobox.openDropdown();
            }}
            onFocus={(event) => { props.onFocus?.(event); combobox.openDropdown(); }}
            onBlur={(event) => {
              combobox.closeDropdown();
              const place = placeOf(text);
              // A path below a container is short for an address.
              if (place !== null && !text.includes("://")) take(uriOf(place));
              props.onBlur?.(event);
            }}
            inputContainer={(children) => (
              <>
                {inputContainer?.(children) ?? children}
                {needs !== undefined && <ContainerGrant uri={text} needs={needs} />}
              </>
            )}
            rightSection={(
              <ActionIcon variant="subtle" color="gray" size="sm" aria-label={t("browse")} title={t("browse")} disabled={props.disabled} onClick={browser.open}>
                <IconFolderSearch size={16} />
              </ActionIcon>
            )}
          />
        </Combobox.Target>
        <Combobox.Dropdown hidden={completions.length === 0}>
          <Combobox.Options mah={240} style={{ overflowY: "auto" }} aria-label={t("completions")}>
            {completions.map(({ uri, name, isFolder }) => (
              <Combobox.Option value={uri} key={uri}>
                {isFolder ? <IconFolder size={14} aria-hidden /> : <IconFile size={14} aria-hidden />} {name}
              </Combobox.Option>
            ))}
          </Combobox.Options>
        </Combobox.Dropdown>
      </Combobox>
      {isOpen && <StorageBrowser start={text} wants={wants} onChoose={(uri) => { take(uri); browser.close(); }} onClose={browser.close} />}
    </>
  );
}
