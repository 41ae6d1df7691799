import { NavLink, Text } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { memo } from "react";
import { useTranslation } from "react-i18next";
import { Link, useLocation } from "react-router";

import { preload } from "./pages";
import { NAVIGATION, type Place } from "./places";
import classes from "./Shell.module.css";

/** Where one can go, and where one is. */
export function Navigation() {
  const { t } = useTranslation("shell");
  const { pathname } = useLocation();
  return NAVIGATION.map((group) => (
    <div key={group.label ?? "first"}>
      {group.label !== null && <Text size="xs" c="dimmed" fw={600} px="sm" pt="md" pb={4}>{t(group.label)}</Text>}
      {group.places.map((place) => {
        const { to } = place;
        return <PlaceLink key={to} place={place} isHere={pathname === to || (to !== "/" && pathname.startsWith(`${to}/`))} />;
      })}
    </div>
  ));
}

// Of all places only two are drawn anew when somebody goes from one to another.
const PlaceLink = memo(function PlaceLink({ place: { label, to, icon: Icon }, isHere }: { place: Place; isHere: boolean }) {
  const { t } = useTranslation("shell");
  const client = useQueryClient();
  return (
    <NavLink
      component={Link} to={to} label={t(label)} leftSection={<Icon size={18} stroke={1.5} />} active={isHere}
      aria-current={isHere ? "page" : undefined} py={6} className={classes.place}
      onPointerEnter={() => { preload(to, client); }} onFocus={() => { preload(to, client); }}
    />
  );
});
