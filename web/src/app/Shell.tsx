import {
  ActionIcon, Alert, Anchor, AppShell, Burger, Button, Group, Menu, ScrollArea, Text, useMantineColorScheme, VisuallyHidden,
  type MantineColorScheme,
} from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { spotlight } from "@mantine/spotlight";
import { IconLanguage, IconLogout, IconMoonStars, IconSearch } from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { Suspense, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, Outlet, useLocation } from "react-router";

import { onSignedOut } from "@/lib/api/client";
import { changeLanguage, LANGUAGES, type Language } from "@/lib/i18n";
import { useLive } from "@/lib/live";
import { useSystem } from "@/lib/machine";

import { MachineButton, MachineStrip } from "./MachineStrip";
import { Navigation } from "./Navigation";
import { prepareWhenIdle } from "./pages";
import { PRODUCT_ICON as ProductIcon } from "./places";
import { Search } from "./Search";
import { Shortcuts } from "./Shortcuts";
import { SignIn } from "./SignIn";
import classes from "./Shell.module.css";

/** The frame of every page. */
export function Shell() {
  const { t } = useTranslation("shell");
  const [isSignedOut, setSignedOut] = useState(false);
  useEffect(() => onSignedOut(() => { setSignedOut(true); }), []);
  const { isPending } = useSystem();
  if (isSignedOut) return <SignIn />;
  if (isPending) return <VisuallyHidden role="status">{t("loading", { ns: "common" })}</VisuallyHidden>;
  return <SignedIn />;
}

function SignedIn() {
  const { t } = useTranslation("shell");
  const [isOpen, menu] = useDisclosure();
  const connection = useLive();
  const client = useQueryClient();
  useEffect(() => prepareWhenIdle(client), [client]);
  return (
    <AppShell header={{ height: 56 }} navbar={{ width: 232, breakpoint: "md", collapsed: { mobile: !isOpen } }} padding="md">
      <Anchor href="#content" className={classes.skip}>{t("skip")}</Anchor>
      <AppShell.Header>
        <Group h="100%" px="md" gap="md" wrap="nowrap" justify="space-between">
          <Group gap="sm" wrap="nowrap">
            <Burger opened={isOpen} onClick={menu.toggle} hiddenFrom="md" size="sm" aria-label={t("menu")} />
            <Anchor component={Link} to="/" underline="never" c="var(--mantine-color-text)">
              <Group gap={6} wrap="nowrap"><ProductIcon size={20} aria-hidden /><Text fw={650} visibleFrom="sm">easymaker-local</Text></Group>
            </Anchor>
          </Group>
          <Group visibleFrom="lg"><MachineStrip /></Group>
          <Group gap="xs" wrap="nowrap">
            <Group hiddenFrom="lg"><MachineButton /></Group>
            <Button variant="default" size="xs" leftSection={<IconSearch size={14} />} onClick={spotlight.open} rightSection={<Text size="xs" c="dimmed" visibleFrom="sm">Ctrl K</Text>}>
              {t("search", { ns: "common" })}
            </Button>
            <Choices />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar aria-label={t("navigation")}>
        <ScrollArea type="auto" p="xs">
          <Navigation />
        </ScrollArea>
      </AppShell.Navbar>
      <AppShell.Main id="content">
        {connection === "lost" && <Alert color="orange" mb="md" role="status">{t("lost")}</Alert>}
        <Suspense><Outlet /></Suspense>
      </AppShell.Main>
      <Search />
      <Shortcuts />
      <WhenElsewhere then={menu.close} />
    </AppShell>
  );
}

/** Does something when somebody went to another page. A component of its own: the frame is not drawn anew then. */
function WhenElsewhere({ then }: { then: () => void }) {
  const { pathname } = useLocation();
  useEffect(then, [then, pathname]);
  return null;
}

/** Ends the session. Not by a form: a browser that may not tell where it comes from says nothing of its origin with one. */
function signOut(): void {
  void fetch("/logout", { method: "POST" }).then(() => { window.location.assign("/"); });
}

function Choices() {
  const { t, i18n } = useTranslation("shell");
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const schemes: readonly (readonly [MantineColorScheme, string])[] = [["auto", t("system")], ["light", t("light")], ["dark", t("dark")]];
  return (
    <>
      <Menu position="bottom-end">
        <Menu.Target><ActionIcon variant="default" size="lg" aria-label={t("appearance")}><IconMoonStars size={16} /></ActionIcon></Menu.Target>
        <Menu.Dropdown>
          <Menu.RadioGroup value={colorScheme} onChange={(scheme) => { setColorScheme(scheme as MantineColorScheme); }}>
            {schemes.map(([scheme, label]) => <Menu.RadioItem key={scheme} value={scheme} closeMenuOnClick>{label}</Menu.RadioItem>)}
          </Menu.RadioGroup>
        </Menu.Dropdown>
      </Menu>
      <Menu position="bottom-end">
        <Menu.Target><ActionIcon variant="default" size="lg" aria-label={t("language")}><IconLanguage size={16} /></ActionIcon></Menu.Target>
        <Menu.Dropdown>
          <Menu.RadioGroup value={i18n.language} onChange={(language) => { void changeLanguage(language as Language); }}>
            {Object.entries(LANGUAGES).map(([language, label]) => <Menu.RadioItem key={language} value={language} lang={language} closeMenuOnClick>{label}</Menu.RadioItem>)}
          </Menu.RadioGroup>
        </Menu.Dropdown>
      </Menu>
      <ActionIcon variant="default" size="lg" aria-label={t("signOut")} title={t("signOut")} onClick={signOut}><IconLogout size={16} /></ActionIcon>
    </>
  );
}
