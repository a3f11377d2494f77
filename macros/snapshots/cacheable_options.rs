pub async fn search(&self, user: &User, filter: Filter, name: &str, page: u32) -> Result<Vec<User>, Error> {
    let __condition: bool = page == 0;
    let __miss = {
        #[allow(unused_imports)]
        use my::fastness::__private::ladder::*;
        static __SITE: my::fastness::__private::Site = my::fastness::__private::Site::new(
            my::fastness::__private::SiteKind::Cacheable,
            "search",
            ::core::module_path!(),
            ::core::file!(),
            ::core::line!(),
            "user:{self.tenant}:{user.id}:{filter:hash}:{name:lower}",
            &[
                my::fastness::__private::Piece::Lit("user:"),
                my::fastness::__private::Piece::Arg(0),
                my::fastness::__private::Piece::Lit(":"),
                my::fastness::__private::Piece::Arg(1),
                my::fastness::__private::Piece::Lit(":"),
                my::fastness::__private::Piece::Arg(2),
                my::fastness::__private::Piece::Lit(":"),
                my::fastness::__private::Piece::Arg(3),
            ],
        )
        .tags(&["t:{user.id}"])
        .receiver(my::fastness::__private::Receiver::InKey)
        .capacity(100usize);
        my :: fastness :: __private :: register ! (site __SITE);
        let __here = || ();
        let __here = my::fastness::__private::here_in::<_, fn(*const Self)>(&__here);
        let __shape = (&&&&&my::fastness::__private::Probe::<Result<Vec<User>, Error>>::NEW).__shape().sharing();
        if __condition {
            let __on = &self.cache;
            let __key = (
                my::fastness::__private::NoScope,
                (&my::fastness::__private::Arg(&self.tenant)).__part(),
                (&my::fastness::__private::Arg(&user.id)).__part(),
                my::fastness::__private::digest(&filter),
                my::fastness::__private::lower(name),
            );
            if let ::core::option::Option::Some(__hit) =
                __SITE.hit(::core::option::Option::Some(__on), __shape, __here, &__key)
            {
                return __hit;
            }
            __SITE.miss(
                ::core::option::Option::Some(__on),
                __shape,
                __here,
                &__key,
                &[my::fastness::__private::tag(
                    &[my::fastness::__private::Piece::Lit("t:"), my::fastness::__private::Piece::Arg(0)],
                    &(my::fastness::__private::NoScope, (&my::fastness::__private::Arg(&user.id)).__part()),
                )],
                my::fastness::__private::policy(__shape, ::core::time::Duration::from_millis(300000u64))
                    .jitter(0.05f64)
                    .negative_ttl(::core::time::Duration::from_millis(5000u64))
                    .unless(|v| v.is_empty())
                    .cache_err(Error::is_absent, ::core::time::Duration::from_millis(1000u64))
                    .stale(::core::time::Duration::from_millis(3600000u64))
                    .stale_if_error(::core::time::Duration::from_millis(86400000u64))
                    .no_early()
                    .no_single_flight()
                    .share_error(share)
                    .load_timeout({ LIMIT })
                    .wire((&&my::fastness::__private::Wired(__shape, ())).__wire()),
            )
        } else {
            let __on = &self.cache;
            __SITE.bypass(::core::option::Option::Some(__on), __shape, __here, || (
                my::fastness::__private::NoScope,
                (&my::fastness::__private::Arg(&self.tenant)).__part(),
                (&my::fastness::__private::Arg(&user.id)).__part(),
                my::fastness::__private::digest(&filter),
                my::fastness::__private::lower(name),
            ))
        }
    };
    my::fastness::__private::load(__miss, async move {
        if let ::core::option::Option::Some(__value) = ::core::option::Option::None::<Result<Vec<User>, Error>> {
            return __value;
        }
        { body() }
    })
    .await
}
